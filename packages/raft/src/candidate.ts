import { countVote } from './election.ts';
import { acceptAppend, acceptHeartbeat, acceptSnapshot } from './log-acceptance.ts';
import type { RaftState } from './raft-state.ts';
import type { RoleHandlers } from './role.ts';
import type { Message } from './types.ts';

/** What both kinds of candidates do: wait for votes, and give way to a leader of the same term. */
const waiting: RoleHandlers = {
  App: (raft, m) => acceptAppend(giveWay(raft, m), m),
  Heartbeat: (raft, m) => acceptHeartbeat(giveWay(raft, m), m),
  Snap: (raft, m) => acceptSnapshot(giveWay(raft, m), m),
  Prop: () => 'no-leader',
  TransferLeader: () => 'no-leader',
  ReadIndex: () => 'no-leader',
};

/** Has raised the term and asks for votes. */
export const candidateHandlers: RoleHandlers = { ...waiting, VoteResp: countVote };

/** Asks for promises of votes, in the next term, before it raises the term. */
export const preCandidateHandlers: RoleHandlers = { ...waiting, PreVoteResp: countVote };

/** The sender has won this term's election. */
function giveWay(raft: RaftState, m: Message): RaftState {
  raft.becomeFollower(m.term, m.from);
  return raft;
}
