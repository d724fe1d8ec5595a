import { ClusterError, type LogStore, type NodeId, type Plugin, type Storage, type System } from '@quorate/core';
import { readLossNote, refusePending } from '../repair/loss-note.ts';

/** A node whose cluster does not run. */
export interface OfflineNode {
  readonly nodeId: NodeId;
  /** As its cluster has it: `fileStorage({ directory })`. */
  readonly storage: Plugin<Storage, 'storage'>;
  /** As its cluster has it: `nodeSystem()`. */
  readonly system: System;
}

/**
 * Opens the logs of a node, and closes them when `act` is done with them.
 * @throws ClusterError `LOCKED` while the node runs; `INVALID_OPTIONS` where the storage keeps no logs; `CORRUPT`, `IO`;
 * what `act` throws
 */
export async function withLogs<T>(
  { nodeId, storage: plugin, system }: OfflineNode,
  act: (logs: LogStore) => Promise<T>,
): Promise<T> {
  await using storage = plugin.create({ ...system, nodeId });
  const { log } = storage;
  if (log === undefined) throw new ClusterError('INVALID_OPTIONS', `${plugin.name} keeps no logs`);
  await storage.open();
  refusePending(await readLossNote(storage.records));
  await log.open();
  return await act(log);
}
