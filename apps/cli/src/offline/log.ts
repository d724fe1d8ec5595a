import { ClusterError, decodeBatch, type GroupLog, type NodeId, type SnapshotInfo } from '@quorate/core';
import { inspectGroup } from '@quorate/replicator-raft';
import { exitCode, Failure } from '../failure.ts';
import { type Column, type Output, size } from '../output.ts';
import { nodeIdIn, nodeIn, withLogs } from './folder.ts';

/** What of one group's log was read. */
interface VerifiedGroup {
  readonly group: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commit: number;
  readonly entries: number;
  readonly bytes: number;
  readonly snapshotIndex: number;
  readonly snapshotBytes: number;
}

const READ_BYTES: number = 4 * 1024 * 1024;

const verifiedColumns: readonly Column<VerifiedGroup>[] = [
  { name: 'group', of: ({ group }) => group },
  { name: 'first', of: ({ firstIndex }) => firstIndex },
  { name: 'last', of: ({ lastIndex }) => lastIndex },
  { name: 'commit', of: ({ commit }) => commit },
  { name: 'entries', of: ({ entries }) => entries },
  { name: 'size', of: ({ bytes }) => size(bytes) },
  { name: 'snapshot', of: ({ snapshotIndex }) => (snapshotIndex === 0 ? undefined : snapshotIndex) },
  { name: 'snapshot size', of: ({ snapshotBytes }) => size(snapshotBytes) },
];

/** Reads all that the logs of a folder have, and holds it against its checksums. */
export async function verifyLogs(data: string, output: Output): Promise<void> {
  const groups = await withLogs(data, async (logs) => {
    const verified: VerifiedGroup[] = [];
    for (const id of logs.groups()) verified.push(await verifyLog(logs.group(id)));
    return verified;
  });
  output.result({ isSound: true, groups }, () => {
    if (groups.length > 0) output.table(verifiedColumns, groups);
    output.line(groups.length === 0 ? 'there is no log, and nothing damaged' : 'all of it is sound');
  });
}

async function verifyLog(log: GroupLog): Promise<VerifiedGroup> {
  const { id: group, firstIndex, lastIndex, commit, snapshot } = log;
  let entries = 0;
  let bytes = 0;
  let term = log.term(firstIndex - 1) ?? 0;
  for (let next = firstIndex; next <= lastIndex; next = firstIndex + entries) {
    const batches = await log.read(next, READ_BYTES);
    for (const batch of batches) {
      bytes += batch.bytes.length;
      for (const entry of decodeBatch(batch)) {
        if (entry.index !== firstIndex + entries || entry.term < term) {
          throw new ClusterError('CORRUPT', `the log of group ${group} goes from term ${term} to entry ${entry.index}`);
        }
        term = entry.term;
        entries += 1;
      }
    }
    if (batches.length === 0) throw new ClusterError('CORRUPT', `the log of group ${group} has no entry ${next}`);
  }
  const snapshotBytes = snapshot === undefined ? 0 : await readAll(log, snapshot);
  return { group, firstIndex, lastIndex, commit, entries, bytes, snapshotIndex: snapshot?.index ?? 0, snapshotBytes };
}

/** How much there was. */
async function readAll(log: GroupLog, snapshot: SnapshotInfo): Promise<number> {
  let read = 0;
  while (read < snapshot.size) read += (await log.readSnapshot(snapshot, read, READ_BYTES)).length;
  return read;
}

export interface InspectChoice {
  readonly data: string;
  readonly node?: NodeId | undefined;
  readonly group?: number | undefined;
}

/** What the node of a folder has of a group, and who is a member by it. */
export async function inspectLog({ data, node, group }: InspectChoice, output: Output): Promise<void> {
  const stored = await nodeIdIn(data);
  const nodeId = node ?? stored;
  if (nodeId === undefined)
    throw new Failure(exitCode.USAGE, `whose folder ${data} is isn't stored there: give --node`);
  const chosen = group === undefined ? {} : { group };
  const found = await inspectGroup(nodeIn(data, nodeId), chosen);
  if (found === undefined)
    throw new Failure(exitCode.FAILED, `${nodeId} is no member of this group: there is nothing of it`);
  const { formation, number, isRemoved, lastIndex, lastTerm, commit, snapshotIndex, members } = found;
  output.result({ nodeId, ...found }, () => {
    output.facts([
      ['node', isRemoved ? `${nodeId}, which was removed` : nodeId],
      ['formation', formation],
      ['number', number],
      ['last entry', `${lastIndex}, of term ${lastTerm}`],
      ['committed', `${commit}, at least`],
      ['snapshot', snapshotIndex === 0 ? undefined : `up to entry ${snapshotIndex}`],
    ]);
    output.line('');
    output.table(
      [
        { name: 'member', of: (member) => member.nodeId },
        { name: 'number', of: (member) => member.number },
        { name: 'wants', of: (member) => member.wants },
      ],
      members,
    );
  });
}
