import type { RaftState, StepResult } from './raft-state.ts';
import { broadcastHeartbeat, decodeRound } from './replication.ts';
import type { Message } from './types.ts';

/** How many reads may wait for their confirmation on one leader. */
const MAX_PENDING_READS = 65_536;

/**
 * A leader is asked at which index a read is linearizable (dissertation, 6.4): at its commit index as of now, if it
 * still leads, and if that is an entry of its own term. Before, it may not know all that was committed.
 */
export function askToRead(raft: RaftState, m: Message): StepResult {
  if (m.context === undefined || raft.reads.size >= MAX_PENDING_READS) return 'dropped';
  raft.reads.add(m.from || raft.id, m.context);
  openReads(raft);
  return 'ok';
}

/** Asks everyone to confirm this leader for the new reads, once it knows enough to answer them. */
export function openReads(raft: RaftState): void {
  const { committed } = raft.log;
  if (!raft.reads.hasNew || !raft.log.matchesTerm(committed, raft.term)) return;
  raft.reads.open(raft.id, committed);
  answerReads(raft);
  if (raft.reads.openRound > 0) broadcastHeartbeat(raft);
}

/** A follower has answered a heartbeat, and so confirmed its leader. */
export function confirmReads(raft: RaftState, m: Message): void {
  const round = decodeRound(m.context);
  if (round === 0) return;
  raft.reads.answer(m.from, round);
  answerReads(raft);
}

function answerReads(raft: RaftState): void {
  for (const { from, index, context } of raft.reads.takeConfirmed(raft.tracker.config.voters)) {
    if (from === raft.id) raft.readStates.push({ index, context });
    else raft.send({ type: 'ReadIndexResp', to: from, index, context });
  }
}
