import type { Progress } from './progress.ts';
import { proposeAsLeader } from './proposals.ts';
import type { RaftState, StepResult } from './raft-state.ts';
import { askToRead, beat, confirmLeader, openReads } from './reading.ts';
import { advanceCommit, broadcastAppend, fillWindow, sendAppend } from './replication.ts';
import type { Handler, RoleHandlers } from './role.ts';
import { transferTo, tryTimeoutNow } from './transfer.ts';
import { type Message, NONE } from './types.ts';

/** Takes proposals, sends them to everyone, and commits what a quorum has. */
export const leaderHandlers: RoleHandlers = {
  Prop: (raft, m) => proposeAsLeader(raft, m.entries),
  ReadIndex: askToRead,
  Beat: beat,
  CheckQuorum: checkQuorum,
  AppResp: fromMember((raft, m, progress) => {
    // Nobody has more of this leader's log than it has itself.
    if (m.index > raft.log.lastIndex) return 'malformed';
    progress.recentActive = true;
    if (m.reject) appendRefused(raft, m, progress);
    else appendAcknowledged(raft, m, progress);
    return 'ok';
  }),
  HeartbeatResp: fromMember(heartbeatAnswered),
  SnapStatus: fromMember((_raft, m, progress) => {
    if (progress.state === 'snapshot') progress.snapshotDone(!m.reject);
  }),
  Unreachable: fromMember((_raft, _m, progress) => {
    // Appends in flight were probably lost: finds out where to go on before it sends many again.
    if (progress.state === 'replicate') progress.becomeProbe();
  }),
  TransferLeader: fromMember(transferTo),
};

function fromMember(handle: (raft: RaftState, m: Message, progress: Progress) => StepResult | void): Handler {
  return (raft, m) => {
    const progress = raft.tracker.get(m.from);
    return progress && handle(raft, m, progress);
  };
}

/** Steps down unless a quorum was heard of since the last time. */
function checkQuorum(raft: RaftState): void {
  if (!raft.tracker.quorumActive()) raft.becomeFollower(raft.term, NONE);
  for (const [id, progress] of raft.tracker.progress) {
    if (id !== raft.id) progress.recentActive = false;
  }
}

/** The follower's log parts from this one before the refused entry: tries again from where they may agree. */
function appendRefused(raft: RaftState, m: Message, progress: Progress): void {
  const hint = m.logTerm > 0 ? raft.log.findConflictByTerm(m.rejectHint, m.logTerm).index : m.rejectHint;
  if (!progress.stepBack(m.index, hint)) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  sendAppend(raft, m.from, progress);
}

function appendAcknowledged(raft: RaftState, m: Message, progress: Progress): void {
  // Old news still shows a probed follower to be reachable again.
  const reachableAgain = progress.state === 'probe' && progress.match === m.index;
  if (!progress.acknowledge(m.index) && !reachableAgain) return;
  resumeStream(raft, m, progress);
  if (advanceCommit(raft)) {
    openReads(raft);
    broadcastAppend(raft);
  } else if (m.from !== raft.id && progress.canBumpCommit(raft.log.committed)) {
    sendAppend(raft, m.from, progress);
  }
  if (m.from === raft.id) return;
  fillWindow(raft, m.from, progress);
  tryTimeoutNow(raft, m.from, progress);
}

function resumeStream(raft: RaftState, m: Message, progress: Progress): void {
  if (progress.state === 'replicate') progress.inflights.acknowledge(m.index);
  else if (progress.state === 'probe') progress.becomeReplicate();
  // After a snapshot: once what the follower has is connected to the log that is left.
  else if (progress.match + 1 >= raft.log.firstIndex) progress.becomeReplicate();
}

function heartbeatAnswered(raft: RaftState, m: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.resumeFlow();
  // A follower that lacks something is sent it, or an empty append, should all that is in flight have been lost. One
  // that is only probed needs an append to answer, to be streamed to again.
  if (progress.match < raft.log.lastIndex || progress.state === 'probe') sendAppend(raft, m.from, progress);
  confirmLeader(raft, m);
}
