import { asV2, type ConfChange, nextConfig } from './conf-change.ts';
import { isVoter } from './quorum/joint.ts';
import type { RaftState } from './raft-state.ts';
import { answerConfirmed, openReads } from './reading.ts';
import { advanceCommit, broadcastAppend, trySendAppend } from './replication.ts';
import { type ConfState, NONE } from './types.ts';

/** A committed change of configuration takes effect. Throws a ConfChangeError if it cannot be made. */
export function applyConfChange(raft: RaftState, change: ConfChange, index: number): ConfState {
  // A snapshot has arrived while this change was on its way to be applied: the configuration is a later one.
  if (index <= raft.confIndex) return raft.tracker.confState();
  raft.tracker.switchTo(nextConfig(raft.tracker.config, asV2(change)), raft.log.lastIndex);
  configurationChanged(raft);
  return raft.tracker.confState();
}

function configurationChanged(raft: RaftState): void {
  const own = raft.tracker.get(raft.id);
  raft.isLearner = own?.isLearner ?? false;
  raft.lease?.votersChanged();
  if (raft.role !== 'leader') return;
  if (own === undefined || own.isLearner) {
    if (raft.config.stepDownOnRemoval) raft.becomeFollower(raft.term, NONE);
    return;
  }
  // A smaller quorum may have more. Otherwise new members are probed at once rather than at the next heartbeat.
  if (advanceCommit(raft)) {
    openReads(raft);
    broadcastAppend(raft);
  } else {
    probeFollowers(raft);
  }
  // It may have confirmed more, too. A leader left alone will be answered by nobody who could remind it of the reads.
  answerConfirmed(raft);
  if (!isVoter(raft.tracker.config.voters, raft.transferee)) raft.transferee = NONE;
}

function probeFollowers(raft: RaftState): void {
  for (const [id, progress] of raft.tracker.progress) {
    if (id !== raft.id) trySendAppend(raft, id, progress, false);
  }
}
