import { entriesBytes, payloadBytes } from './entry-size.ts';
import { LEAVE_JOINT, proposeAsLeader, releaseUncommitted } from './proposals.ts';
import type { RaftState } from './raft-state.ts';
import type { Message, Snapshot } from './types.ts';

/** Entries, or a snapshot, up to `index` have been applied: a joint configuration may be left now. */
function appliedTo(raft: RaftState, index: number, bytes: number): void {
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, bytes);
  if (raft.role !== 'leader' || !raft.tracker.config.autoLeave || applied < raft.pendingConfIndex) return;
  // Dropped while leadership is being handed over; the next leader does the same when it has applied this.
  proposeAsLeader(raft, [LEAVE_JOINT]);
}

/** The state machine's part is done with what it was handed. */
export function storageApplied(raft: RaftState, m: Message): void {
  const last = m.entries.at(-1);
  if (last === undefined) return;
  appliedTo(raft, last.index, entriesBytes(m.entries));
  releaseUncommitted(raft, payloadBytes(m.entries));
}

/**
 * The log's part is done with what it was handed. In an older term, what was appended may have been overwritten since
 * and appended again, even to the same: only the latest write counts (an ABA problem). A snapshot counts always.
 */
export function storageAppended(raft: RaftState, m: Message): void {
  if (m.index !== 0 && m.term === raft.term) raft.log.unstable.stableTo(m.index, m.logTerm);
  if (m.snapshot !== undefined) snapshotApplied(raft, m.snapshot);
}

function snapshotApplied(raft: RaftState, snapshot: Snapshot): void {
  const { index } = snapshot.metadata;
  raft.log.unstable.stableSnapshotTo(index);
  appliedTo(raft, index, 0);
}
