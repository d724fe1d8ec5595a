import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isNodeId, type LogStore, type NodeId, type Storage, toClusterError } from '@quorate/core';
import type { OfflineNode } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { exitCode, Failure } from '../failure.ts';
import { system } from '../online/connection.ts';

/** What a folder is opened under while it is not known whose it is: nothing is written under it. */
const UNKNOWN_NODE = 'unknown';

/** The storage of a node that doesn't run, as its program has it. */
export function nodeIn(directory: string, nodeId: NodeId): OfflineNode {
  return { nodeId, system, storage: fileStorage({ directory: path.resolve(directory), log: { onDamage: 'refuse' } }) };
}

/**
 * Whose folder it is, as its records say; undefined where they don't.
 * @throws Failure, ClusterError `LOCKED`, `CORRUPT`, `IO`
 */
export async function nodeIdIn(directory: string): Promise<NodeId | undefined> {
  await checkFolder(directory);
  return await withStorage(directory, async ({ records }) => {
    const record = await records.read('node');
    return record && idOf(record);
  });
}

/**
 * Opens the logs of a folder, and closes them when `act` is done.
 * @throws Failure; ClusterError `LOCKED`, `CORRUPT` with file and offset, `IO`; what `act` throws
 */
export async function withLogs<T>(directory: string, act: (logs: LogStore) => Promise<T>): Promise<T> {
  await checkFolder(directory);
  return await withStorage(directory, async ({ log }) => {
    if (log === undefined) throw new Failure(exitCode.FAILED, `${directory} has no logs`);
    await log.open();
    return await act(log);
  });
}

/** @throws Failure where no node has stored anything: opening would make a folder */
async function checkFolder(directory: string): Promise<void> {
  try {
    if ((await stat(path.join(directory, 'lock'))).isFile()) return;
  } catch (error) {
    const why = `${directory} is not the storage of a node: it has no file "lock"`;
    throw new Failure(exitCode.USAGE, why, { cause: error });
  }
  throw new Failure(exitCode.USAGE, `${directory} is not the storage of a node: its "lock" is no file`);
}

async function withStorage<T>(directory: string, act: (storage: Storage) => Promise<T>): Promise<T> {
  const { storage: plugin } = nodeIn(directory, UNKNOWN_NODE);
  await using storage = plugin.create({ ...system, nodeId: UNKNOWN_NODE });
  await storage.open();
  return await act(storage);
}

function idOf(record: Uint8Array): NodeId {
  try {
    const { nodeId } = JSON.parse(new TextDecoder().decode(record)) as { readonly nodeId?: unknown };
    if (isNodeId(nodeId)) return nodeId;
  } catch (error) {
    throw toClusterError(error, 'CORRUPT', 'the record "node"');
  }
  throw new Failure(exitCode.DAMAGED, 'the record "node" does not say whose it is');
}
