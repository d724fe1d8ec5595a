import { isJoint } from './quorum/joint.ts';
import type { RaftState } from './raft-state.ts';
import { NONE } from './types.ts';

/**
 * Whether all that this leader was asked for is done, everywhere, so that nothing would happen but heartbeats. Only just
 * after it has checked its quorum: when ticks go on, it has a whole election time until it does so again.
 */
export function mayRest(raft: RaftState): boolean {
  const { log, tracker } = raft;
  if (raft.role !== 'leader' || raft.reads.size > 0 || raft.transferee !== NONE) return false;
  if (isJoint(tracker.config.voters) || raft.pendingConfIndex > log.applied) return false;
  if (raft.electionElapsed > 0) return false;
  const { lastIndex } = log;
  if (log.applied < lastIndex || log.unstable.length > 0 || log.unstable.hasSnapshot) return false;
  for (const [id, { match, state }] of tracker.progress) {
    if (match !== lastIndex || (state !== 'replicate' && id !== raft.id)) return false;
  }
  return true;
}
