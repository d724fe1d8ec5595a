import type { RaftState, StepResult } from './raft-state.ts';
import { broadcastHeartbeat, decodeRound } from './replication.ts';
import type { Message } from './types.ts';

/** How many reads may wait for their confirmation on one leader. */
const MAX_PENDING_READS = 65_536;

/**
 * A leader is asked at which index a read is linearizable (dissertation, 6.4): at its commit index as of now, if it
 * still leads, and if that is an entry of its own term.
 */
export function askToRead(raft: RaftState, m: Message): StepResult {
  if (m.context === undefined) return 'malformed';
  if (raft.reads.size >= MAX_PENDING_READS) return 'overloaded';
  const byLease = raft.config.leaseReads && isSettled(raft) && raft.lease?.isValid === true;
  if (byLease) answerRead(raft, m.from || raft.id, raft.log.committed, m.context);
  else raft.reads.add(m.from || raft.id, m.context);
  openReads(raft);
  return 'ok';
}

/** Until when this node, if it leads, may read at its commit index without asking anyone. -Infinity if it may not. */
export function leaseUntil(raft: RaftState): number {
  const until = raft.lease?.until ?? -Infinity;
  return raft.role === 'leader' && isSettled(raft) ? until : -Infinity;
}

/** Whether what is committed includes an entry of this term. Before, a leader may not know all that was committed. */
function isSettled({ log, term }: RaftState): boolean {
  return log.matchesTerm(log.committed, term);
}

/** Asks everyone to confirm this leader for the new reads, once it knows enough to answer them. */
export function openReads(raft: RaftState): void {
  if (!raft.reads.hasNew || !isSettled(raft)) return;
  beginRound(raft);
  raft.reads.open(raft.log.committed);
  answerConfirmed(raft);
  if (raft.reads.openRound > 0) broadcastHeartbeat(raft);
}

/** The regular heartbeat: with leases, one that renews the lease. */
export function beat(raft: RaftState): void {
  if (raft.lease !== undefined) {
    beginRound(raft);
    answerConfirmed(raft);
  }
  broadcastHeartbeat(raft);
}

/** A follower has answered a heartbeat, and so confirmed its leader. */
export function confirmLeader(raft: RaftState, m: Message): void {
  const round = decodeRound(m.context);
  if (round === 0) return;
  raft.reads.answer(m.from, round);
  answerConfirmed(raft);
}

function beginRound(raft: RaftState): void {
  const round = raft.reads.beginRound(raft.id);
  raft.lease?.roundSent(round);
}

/** Answers the reads whose round a quorum has answered. */
export function answerConfirmed(raft: RaftState): void {
  const round = raft.reads.confirmedRound(raft.tracker.config.voters);
  raft.lease?.confirmed(round);
  for (const { from, index, context } of raft.reads.takeConfirmed(round)) answerRead(raft, from, index, context);
}

function answerRead(raft: RaftState, to: number, index: number, context: Uint8Array): void {
  if (to === raft.id) raft.readStates.push({ index, context });
  else raft.send({ type: 'ReadIndexResp', to, index, context });
}
