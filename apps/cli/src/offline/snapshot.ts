import { createReadStream } from 'node:fs';
import { access, open, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { NodeId } from '@quorate/core';
import { type BackupInfo, readBackupInfo, restoreGroup } from '@quorate/replicator-raft';
import { exitCode, Failure } from '../failure.ts';
import type { Connection } from '../online/connection.ts';
import { type Output, size } from '../output.ts';
import { nodeIn } from './folder.ts';

export interface SaveChoice {
  readonly file: string;
  readonly on?: NodeId | undefined;
  readonly local: boolean;
  readonly force: boolean;
}

/**
 * Writes the state of a live cluster into a file, which appears under its name once it is whole, synced and was read again.
 * When it fails or is interrupted, nothing is left, and the node is told that nobody reads it any more.
 */
export async function saveSnapshot(
  choice: SaveChoice,
  connection: Connection,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { file, force } = choice;
  if (!force && (await exists(file)))
    throw new Failure(exitCode.USAGE, `${file} is there already: --force replaces it`);
  const part = `${file}.part`;
  try {
    const bytes = await download(part, choice, connection, signal);
    const info = await readBackupInfo(createReadStream(part), crc32);
    await rename(part, file);
    output.result({ file, bytes, ...info }, () => {
      output.line(`${file}: ${size(bytes)}, the state up to entry ${info.index} of term ${info.term}`);
    });
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function download(
  part: string,
  { on, local }: SaveChoice,
  { client, node, timeoutMs }: Connection,
  signal: AbortSignal,
): Promise<number> {
  const from = on ?? client.node.id;
  await using handle = await open(part, 'w', 0o600);
  let bytes = 0;
  for await (const chunk of node.backup({ on: from, local, timeoutMs, signal })) {
    await handle.write(chunk);
    bytes += chunk.length;
  }
  await handle.sync();
  return bytes;
}

/** Reads a whole snapshot, and says what it is of. */
export async function inspectSnapshot(file: string, output: Output): Promise<void> {
  await checkReadable(file);
  const info = await readBackupInfo(createReadStream(file), crc32);
  output.result({ file, ...info }, () => describe(info, output));
}

function describe(info: BackupInfo, output: Output): void {
  const { group, formation, index, term, timeMs, machineVersion, members } = info;
  output.facts([
    ['group', group],
    ['formation', formation],
    ['last entry', `${index}, of term ${term}`],
    ['time of the log', `${Math.round(timeMs)} ms`],
    ['machine version', machineVersion],
    ['members', members.map(({ nodeId }) => nodeId).join(', ')],
  ]);
}

export interface RestoreChoice {
  readonly file: string;
  readonly data: string;
  readonly node: NodeId;
  readonly group?: number | undefined;
}

/** Makes a new group of a snapshot, with one member, in the folder of a node that doesn't run. */
export async function restoreSnapshot({ file, data, node, group }: RestoreChoice, output: Output): Promise<void> {
  await checkReadable(file);
  const chosen = group === undefined ? {} : { group };
  const restored = await restoreGroup(nodeIn(data, node), { backup: createReadStream(file), ...chosen });
  const { formation, index, backup } = restored;
  const others = backup.members.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== node);
  output.result({ node, data, formation, index, members: backup.members }, () => {
    output.line(`${data}: the group of ${node} alone, with the state up to entry ${index}`);
    const names = others.length === 0 ? 'the others' : others.join(', ');
    output.line(`start ${node} as always; then add ${names}, with empty folders: quorate add <node>`);
  });
}

async function checkReadable(file: string): Promise<void> {
  if (!(await exists(file))) throw new Failure(exitCode.USAGE, `there is no file ${file}`);
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
