import type { Progress } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import { sendAppend } from './replication.ts';
import { type Message, NONE } from './types.ts';

/**
 * Hands leadership over to the sender (dissertation, 3.10): brings its log up to date while taking no proposals, then
 * tells it to campaign at once. Given up after `electionTicks`.
 */
export function transferTo(raft: RaftState, m: Message, progress: Progress): void {
  const to = m.from;
  if (progress.isLearner || raft.transferee === to) return;
  raft.transferee = NONE;
  if (to === raft.id) return;
  raft.electionElapsed = 0;
  raft.transferee = to;
  if (progress.match === raft.log.lastIndex) raft.send({ type: 'TimeoutNow', to });
  else sendAppend(raft, to, progress);
}

/** The follower's log may have been all that the transfer waited for. */
export function tryTimeoutNow(raft: RaftState, to: number, progress: Progress): void {
  if (to === raft.transferee && progress.match === raft.log.lastIndex) raft.send({ type: 'TimeoutNow', to });
}
