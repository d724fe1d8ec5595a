import {
  checkOptions,
  ClusterError,
  crc32 as crc32InTables,
  type Crc32,
  type GroupLog,
  invalidOption,
  type LogBatch,
  type NodeId,
  type OptionRules,
  type Random,
  rule,
  toClusterError,
} from '@quorate/core';
import { decodeGroupState } from '../group-state.ts';
import { encodeSnapshotMembers } from '../members.ts';
import { CLUSTER_GROUP } from '../shared-group.ts';
import { ArchivedHistory, type HistoryEnd } from './archived-history.ts';
import { type BackupInfo, openBackup } from './backup-format.ts';
import { newFormation, stateOf } from './new-formation.ts';
import { type OfflineNode, withLogs } from './offline-node.ts';

/** Into which node and group a backup is restored, and up to where. */
export interface RestoreGroupOptions {
  /** The bytes of a backup, in pieces of any size. */
  readonly backup: AsyncIterable<Uint8Array>;
  /** The pieces of an archive, one behind the other: what came after the backup. */
  readonly archive?: AsyncIterable<Uint8Array>;
  /**
   * Up to where the archive is followed: an entry, or a time of the log, both included.
   * @default the end of the archive
   */
  readonly until?: HistoryEnd;
  /**
   * The id of the group.
   * @default the group that the replicator of a cluster uses
   */
  readonly group?: number;
}

/** What became of a restore. */
export interface RestoredGroup {
  /** The new one, in hexadecimal. */
  readonly formation: string;
  /** The last entry that is in it, and its time by the log, in milliseconds. */
  readonly index: number;
  readonly timeMs: number;
  /** What the backup was of. */
  readonly backup: BackupInfo;
}

/** What is appended at a time, in bytes of batches. */
const APPEND_BYTES: number = 1024 * 1024;

const rules: OptionRules<RestoreGroupOptions> = {
  backup: rule.value<AsyncIterable<Uint8Array>>('pieces of bytes that can be iterated', isIterable),
  archive: rule.value<AsyncIterable<Uint8Array>>('pieces of bytes that can be iterated', isIterable),
  until: rule.value<HistoryEnd>('{ index } from 1, or { timeMs }', isEnd),
  group: rule.integer({ min: 0, max: 2 ** 32 - 1 }),
};

/**
 * Makes, of a backup and what an archive has behind it, a new formation of the group with this node as its only member.
 * The node must not run meanwhile; its cluster is then started as always, and the others are added to it. Where it fails
 * or is interrupted, the node has no such group, and it can be tried again.
 * @throws ClusterError `REFUSED` where the node has the group, or backup and archive are of different groups; `NOT_FOUND`
 * where entries are missing; `CORRUPT` for a damaged backup or archive, `UNSUPPORTED` for one of a later release; `LOCKED`
 * while the node runs; `INVALID_OPTIONS`, `IO`
 */
export function restoreGroup(node: OfflineNode, options: RestoreGroupOptions): Promise<RestoredGroup> {
  const checked = checkOptions<RestoreGroupOptions>('restoreGroup', rules, options);
  const { group = CLUSTER_GROUP, backup }: Partial<RestoreGroupOptions> = checked;
  if (backup === undefined) throw invalidOption('restoreGroup', 'backup', rules.backup.expected, backup);
  const { nodeId, system } = node;
  const { random, crc32 = crc32InTables } = system;
  return withLogs(node, async (logs) => {
    const log = logs.group(group);
    await makeRoom(log, nodeId);
    try {
      return await restore(log, { nodeId, random, crc32, ...checked });
    } catch (error) {
      // Nothing without a state is a group; but it takes up room.
      await log.remove();
      throw toClusterError(error, 'IO', `restore group ${group}`);
    }
  });
}

/** What an interrupted restore left goes, and so does a log that waits for its group to be formed. */
async function makeRoom(log: GroupLog, nodeId: NodeId): Promise<void> {
  const { state } = log;
  if (state !== undefined && decodeGroupState(state).identity !== undefined) {
    throw new ClusterError('REFUSED', `${nodeId} has group ${log.id}: nothing is restored over it`);
  }
  await log.remove();
}

async function restore(
  log: GroupLog,
  options: RestoreGroupOptions & { readonly nodeId: NodeId; readonly random: Random; readonly crc32: Crc32 },
): Promise<RestoredGroup> {
  const { backup, archive, until, nodeId, random, crc32 } = options;
  const { info, content } = await openBackup(backup, crc32);
  const made = newFormation(nodeId, info.lastNumber + 1, random);
  const { formation, member, confState } = made;
  const metadata = encodeSnapshotMembers({ confState, members: [member], lastNumber: member.number });
  checkGroup(info, log.id);
  await log.saveSnapshot({ index: info.index, term: info.term, metadata }, content);
  await log.truncatePrefix(info.index, info.term);
  const history = new ArchivedHistory(info, until, crc32);
  await appendAll(log, history.read(archive));
  const { index, term, timeMs } = history.point;
  // With this the group exists.
  await log.append([], { state: stateOf(made, term), commit: index });
  return { formation, index, timeMs, backup: info };
}

async function appendAll(log: GroupLog, batches: AsyncIterable<LogBatch>): Promise<void> {
  let part: LogBatch[] = [];
  let bytes = 0;
  for await (const batch of batches) {
    part.push(batch);
    bytes += batch.bytes.length;
    if (bytes < APPEND_BYTES) continue;
    await log.append(part);
    part = [];
    bytes = 0;
  }
  if (part.length > 0) await log.append(part);
}

function checkGroup({ group }: BackupInfo, id: number): void {
  if (group === id) return;
  throw new ClusterError('REFUSED', `the backup is of group ${group}, not of group ${id}`);
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isEnd(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return false;
  const { index, timeMs } = value as { readonly index?: unknown; readonly timeMs?: unknown };
  if (index !== undefined) return Number.isSafeInteger(index) && (index as number) >= 1;
  return typeof timeMs === 'number' && timeMs >= 0;
}
