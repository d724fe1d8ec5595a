import { isJoint } from './quorum/joint.ts';
import type { RaftState } from './raft-state.ts';
import { NONE } from './types.ts';

/** Whether all that this leader was asked for is done, everywhere, so that nothing would happen but heartbeats. */
export function mayRest(raft: RaftState): boolean {
  const { log, tracker } = raft;
  if (raft.role !== 'leader' || raft.reads.size > 0 || raft.transferee !== NONE) return false;
  if (isJoint(tracker.config.voters) || raft.pendingConfIndex > log.applied) return false;
  const { lastIndex } = log;
  if (log.applied < lastIndex || log.unstable.length > 0 || log.unstable.hasSnapshot) return false;
  for (const [id, { match, state }] of tracker.progress) {
    if (match !== lastIndex || (state !== 'replicate' && id !== raft.id)) return false;
  }
  return true;
}
