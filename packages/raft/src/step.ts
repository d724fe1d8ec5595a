import { storageAppended, storageApplied } from './applying.ts';
import { candidateHandlers, preCandidateHandlers } from './candidate.ts';
import { answerVote, startCampaign } from './election.ts';
import { followerHandlers } from './follower.ts';
import { leaderHandlers } from './leader.ts';
import { CAMPAIGN_TRANSFER } from './messages.ts';
import type { RaftState, StepResult } from './raft-state.ts';
import type { RoleHandlers } from './role.ts';
import { type Message, NONE, type Role } from './types.ts';

const HANDLERS: { readonly [R in Role]: RoleHandlers } = {
  follower: followerHandlers,
  'pre-candidate': preCandidateHandlers,
  candidate: candidateHandlers,
  leader: leaderHandlers,
};

/** What any role does. */
const anyRole: RoleHandlers = {
  Hup: (raft) => {
    // A promise to a leader binds the promiser too.
    if (raft.promisedTicks > 0) return 'not-electable';
    return startCampaign(raft, raft.config.preVote ? 'pre-election' : 'election');
  },
  Vote: answerVote,
  PreVote: answerVote,
  StorageAppendResp: storageAppended,
  StorageApplyResp: storageApplied,
};

/** Takes in a message: first its term is settled, then the role of this node acts on it. */
export function step(raft: RaftState, m: Message): StepResult {
  if (m.term !== 0 && !settleTerm(raft, m)) return 'ok';
  const handle = anyRole[m.type] ?? HANDLERS[raft.role][m.type];
  return handle?.(raft, m) ?? 'ok';
}

/** Enters a later term if the message is of one. False if the message is not to be acted on any further. */
function settleTerm(raft: RaftState, m: Message): boolean {
  if (m.term < raft.term) return rejectOldTerm(raft, m);
  // Nobody helps to depose a leader that it has just heard of, unless that leader wants it. A promise holds in a later
  // term too, which this node may have entered without a vote.
  const isVote = (m.type === 'Vote' || m.type === 'PreVote') && !isTransfer(m);
  if (isVote && (raft.promisedTicks > 0 || (m.term > raft.term && raft.isLoyal))) return false;
  if (m.term === raft.term) return true;
  const keepsTerm = m.type === 'PreVote' || (m.type === 'PreVoteResp' && !m.reject);
  if (keepsTerm) return true;
  const isFromLeader = m.type === 'App' || m.type === 'Heartbeat' || m.type === 'Snap';
  raft.becomeFollower(m.term, isFromLeader ? m.from : NONE);
  return true;
}

function isTransfer({ context }: Message): boolean {
  return context?.length === CAMPAIGN_TRANSFER.length && context.every((byte, i) => byte === CAMPAIGN_TRANSFER[i]);
}

function rejectOldTerm(raft: RaftState, m: Message): false {
  const { checkQuorum, preVote } = raft.config;
  if ((checkQuorum || preVote) && (m.type === 'App' || m.type === 'Heartbeat')) {
    // Either this node went ahead while it was cut off: its term reaches the leader so, which its requests for votes
    // don't. Or the sender no longer leads, and learns it so.
    raft.send({ type: 'AppResp', to: m.from });
  } else if (m.type === 'PreVote') {
    // Mixed settings: a pre-candidate in an older term would otherwise stay in it for ever.
    raft.send({ type: 'PreVoteResp', to: m.from, term: raft.term, reject: true });
  } else if (m.type === 'StorageAppendResp') {
    storageAppended(raft, m);
  }
  return false;
}
