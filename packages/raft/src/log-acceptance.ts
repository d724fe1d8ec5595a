import type { RaftState } from './raft-state.ts';
import { isMember } from './tracker-config.ts';
import { type Message, NONE, type Snapshot } from './types.ts';

/** Takes over entries of the leader of this term, or says where the logs part. */
export function acceptAppend(raft: RaftState, m: Message): void {
  const { log } = raft;
  if (m.index < log.committed) {
    raft.send({ type: 'AppResp', to: m.from, index: log.committed });
    return;
  }
  const last = log.tryAppend(m);
  if (last !== undefined) {
    raft.send({ type: 'AppResp', to: m.from, index: last });
    return;
  }
  // Spares the leader from probing entry by entry: the logs can agree only before the terms behind its own.
  const hint = log.findConflictByTerm(Math.min(m.index, log.lastIndex), m.logTerm);
  raft.send({ type: 'AppResp', to: m.from, index: m.index, reject: true, rejectHint: hint.index, logTerm: hint.term });
}

export function acceptHeartbeat(raft: RaftState, m: Message): void {
  raft.log.commitTo(m.commit);
  raft.send({ type: 'HeartbeatResp', to: m.from, context: m.context });
}

/** Takes over a snapshot of the leader of this term, if it is news. */
export function acceptSnapshot(raft: RaftState, m: Message): void {
  if (m.snapshot === undefined) return;
  const restored = restoreSnapshot(raft, m.snapshot);
  raft.send({ type: 'AppResp', to: m.from, index: restored ? raft.log.lastIndex : raft.log.committed });
}

function restoreSnapshot(raft: RaftState, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.metadata;
  if (index <= raft.log.committed) return false;
  if (raft.role !== 'follower') {
    // Cannot be: whoever gets here has just followed the sender. Stepping back is safe in any case.
    raft.becomeFollower(raft.term + 1, NONE);
    return false;
  }
  if (!isMember(confState, raft.id)) return false;
  if (raft.log.matchesTerm(index, term)) {
    // The log has it all: no need to start anew, only to commit.
    raft.log.commitTo(index);
    return false;
  }
  raft.log.restore(snapshot);
  adoptConfState(raft, snapshot);
  return true;
}

function adoptConfState(raft: RaftState, snapshot: Snapshot): void {
  const { lastIndex } = raft.log;
  raft.tracker.restore(snapshot.metadata.confState, lastIndex);
  raft.confIndex = lastIndex;
  const own = raft.tracker.get(raft.id);
  raft.isLearner = own?.isLearner ?? false;
  own?.acknowledge(own.next - 1);
}
