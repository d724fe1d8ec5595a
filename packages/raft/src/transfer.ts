import type { Progress } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import { sendAppend } from './replication.ts';
import { type Message, NONE } from './types.ts';

/**
 * Hands leadership over to the sender (dissertation, 3.10): brings its log up to date while taking no proposals, then
 * tells it to campaign at once. Given up after `electionTicks`.
 */
export function transferTo(raft: RaftState, m: Message, progress: Progress): void {
  if (progress.isLearner || raft.transferee === m.from) return;
  raft.transferee = NONE;
  if (m.from !== raft.id) startTransfer(raft, m.from, progress);
}

function startTransfer(raft: RaftState, to: number, progress: Progress): void {
  raft.electionElapsed = 0;
  raft.transferee = to;
  if (progress.match === raft.log.lastIndex) sendTimeoutNow(raft, to);
  else sendAppend(raft, to, progress);
}

/** The follower's log may have been all that the transfer waited for. */
export function tryTimeoutNow(raft: RaftState, to: number, progress: Progress): void {
  if (to === raft.transferee && progress.match === raft.log.lastIndex) sendTimeoutNow(raft, to);
}

/** Whoever gets this may be elected whatever others have promised, even long after the transfer was given up. */
function sendTimeoutNow(raft: RaftState, to: number): void {
  raft.lease?.forfeit();
  raft.send({ type: 'TimeoutNow', to });
}

/** How many election times to wait before leadership is offered once more to a node that did not take it. */
const OFFER_PAUSE = 10;

/** Hands over to a node of higher priority, if there is one that is reachable and not far behind. */
export function offerLeadership(raft: RaftState): void {
  if (raft.offerPause > 0) raft.offerPause -= 1;
  if (raft.offerPause > 0 || raft.transferee !== NONE) return;
  const to = findSuccessor(raft);
  const progress = raft.tracker.get(to);
  if (progress === undefined) return;
  raft.offerPause = OFFER_PAUSE;
  startTransfer(raft, to, progress);
}

/** The caught-up voter of the highest priority, if that is higher than this node's, or `NONE`. */
function findSuccessor(raft: RaftState): number {
  const { priority } = raft.config;
  let best: number = NONE;
  let bestPriority = priority(raft.id);
  for (const id of raft.tracker.voterIds()) {
    if (priority(id) <= bestPriority || !hasCaughtUp(raft, id)) continue;
    best = id;
    bestPriority = priority(id);
  }
  return best;
}

/** Whether a follower is reachable and has what this leader's log held when an election time passed last. */
export function hasCaughtUp(raft: RaftState, id: number): boolean {
  const progress = raft.tracker.get(id);
  return progress?.state === 'replicate' && progress.recentActive && progress.match >= raft.caughtUpIndex;
}
