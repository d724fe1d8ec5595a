import { startCampaign } from './election.ts';
import { acceptAppend, acceptHeartbeat, acceptSnapshot } from './log-acceptance.ts';
import type { RaftState, StepResult } from './raft-state.ts';
import type { RoleHandlers } from './role.ts';
import { type Message, NONE } from './types.ts';

/** Follows the leader of its term, if it knows one, and sends on to it what only a leader can do. */
export const followerHandlers: RoleHandlers = {
  App: (raft, m) => acceptAppend(follow(raft, m), m),
  Heartbeat: (raft, m) => acceptHeartbeat(follow(raft, m), m),
  Snap: (raft, m) => acceptSnapshot(follow(raft, m), m),
  Prop: (raft, m) => (raft.config.disableProposalForwarding ? 'no-leader' : forwardToLeader(raft, m)),
  TransferLeader: forwardToLeader,
  ReadIndex: forwardToLeader,
  ReadIndexResp: (raft, m) => {
    if (m.context !== undefined) raft.readStates.push({ index: m.index, context: m.context });
  },
  TimeoutNow: (raft, m) => {
    // It overrides all promises, and only the leader may ask for that.
    if (raft.leader !== NONE && raft.leader !== m.from) return 'malformed';
    // The leader itself has asked for this, so there is no need to find out first whether it is gone.
    return startCampaign(raft, 'transfer');
  },
  ForgetLeader: (raft) => {
    // A promise not to vote for another can't be taken back.
    if (raft.lease === undefined) raft.leader = NONE;
  },
};

/** The sender leads this term. */
function follow(raft: RaftState, m: Message): RaftState {
  raft.heardFromLeader(m.from);
  return raft;
}

function forwardToLeader(raft: RaftState, m: Message): StepResult {
  if (raft.leader === NONE) return 'no-leader';
  const { type, from, entries, context } = m;
  raft.send({ type, from, to: raft.leader, entries, context });
  return 'ok';
}
