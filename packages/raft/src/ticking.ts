import { message } from './messages.ts';
import type { RaftState } from './raft-state.ts';
import { step } from './step.ts';
import { offerLeadership } from './transfer.ts';
import { NONE } from './types.ts';

/** Time goes on by one tick. */
export function tick(raft: RaftState): void {
  if (raft.promisedTicks > 0) raft.promisedTicks -= 1;
  if (raft.role === 'leader') tickAsLeader(raft);
  else tickWithoutLeading(raft);
}

function tickWithoutLeading(raft: RaftState): void {
  raft.electionElapsed += 1;
  if (!raft.promotable || raft.electionElapsed < raft.randomizedElectionTicks) return;
  const result = step(raft, message({ type: 'Hup', from: raft.id }));
  // What has to be loaded first is not worth another election time: the next tick asks again.
  if (result !== 'later') raft.electionElapsed = 0;
}

function tickAsLeader(raft: RaftState): void {
  raft.heartbeatElapsed += 1;
  raft.electionElapsed += 1;
  if (raft.electionElapsed >= raft.config.electionTicks) electionTimePassed(raft);
  if (raft.role !== 'leader' || raft.heartbeatElapsed < raft.config.heartbeatTicks) return;
  raft.heartbeatElapsed = 0;
  step(raft, message({ type: 'Beat', from: raft.id }));
}

function electionTimePassed(raft: RaftState): void {
  raft.electionElapsed = 0;
  // Who has not taken over by now is not going to: proposals are taken again.
  raft.transferee = NONE;
  offerLeadership(raft);
  raft.caughtUpIndex = raft.log.lastIndex;
  if (raft.config.checkQuorum) step(raft, message({ type: 'CheckQuorum', from: raft.id }));
}
