import { ClusterError, decodeBatch, type GroupLog, type LogEntry, toClusterError } from '@quorate/core';
import { asV2, type ConfState, decodeConfChange, fromConfState, nextConfig, toConfState } from '@quorate/raft';
import { decodeChangeContext, decodeSnapshotMembers, Members } from '../members.ts';
import { typeOf } from '../wire/entry-kind.ts';

/** Those whom a log knows, and what part each has. */
export interface MembersInLog {
  readonly members: Members;
  readonly confState: ConfState;
}

const READ_BYTES: number = 1024 * 1024;
const NOBODY: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/**
 * Who is a member once all of the log is applied, whether it is committed or not.
 * @throws ClusterError `CORRUPT`, `IO`
 */
export async function membersInLog(log: GroupLog): Promise<MembersInLog> {
  const { snapshot, lastIndex } = log;
  const begin = snapshot === undefined ? undefined : decodeSnapshotMembers(snapshot.metadata);
  const members = new Members(begin?.members, begin?.lastNumber);
  let confState = begin?.confState ?? NOBODY;
  // A crash may have come between a snapshot and the cut: then what is in the log is not what the snapshot goes on with.
  const isCut = snapshot === undefined || log.term(snapshot.index) === snapshot.term;
  const end = isCut ? lastIndex : 0;
  for (let next = Math.max(log.firstIndex, (snapshot?.index ?? 0) + 1); next <= end;) {
    const entries = (await log.read(next, READ_BYTES)).flatMap(decodeBatch);
    if (entries.length === 0) throw new ClusterError('CORRUPT', `the log of group ${log.id} has no entry ${next}`);
    for (const entry of entries) confState = changed(entry, members, confState);
    next = (entries.at(-1) as LogEntry).index + 1;
  }
  return { members, confState };
}

/** The configuration behind this entry; the members become those behind it. */
function changed({ index, kind, data }: LogEntry, members: Members, confState: ConfState): ConfState {
  const type = typeOf(kind);
  if (type === 'normal') return confState;
  try {
    const change = decodeConfChange({ type, data });
    const next = toConfState(nextConfig(fromConfState(confState), asV2(change)).config);
    for (const member of decodeChangeContext(change.context).members) members.put(member);
    members.retain(next);
    return next;
  } catch (error) {
    throw toClusterError(error, 'CORRUPT', `entry ${index}, which changes the members`);
  }
}
