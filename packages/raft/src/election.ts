import { CAMPAIGN_TRANSFER } from './messages.ts';
import { appendProposals, EMPTY_PROPOSAL } from './proposals.ts';
import type { RaftState, StepResult } from './raft-state.ts';
import { broadcastAppend } from './replication.ts';
import { type Message, NONE } from './types.ts';

/** Why a node campaigns: to see whether it could win, because it could, or because the leader told it to. */
export type CampaignKind = 'pre-election' | 'election' | 'transfer';

/**
 * Campaigns, unless this node may not: it is no voter, or changes of configuration wait to be applied, or might do so as
 * far as it can see now.
 */
export function startCampaign(raft: RaftState, kind: CampaignKind): StepResult {
  if (raft.role === 'leader') return 'ok';
  if (!raft.promotable) return 'not-electable';
  // A configuration counts from when it is applied. Who campaigned before might win with a majority of a configuration
  // that is no longer in force.
  const isOutdated = raft.confChanges.findUnapplied(raft.log, raft.config.maxCommittedSizePerReady);
  if (isOutdated === 'later') return 'later';
  if (isOutdated) return 'not-electable';
  campaign(raft, kind);
  return 'ok';
}

function campaign(raft: RaftState, kind: CampaignKind): void {
  if (kind === 'pre-election') becomePreCandidate(raft);
  else becomeCandidate(raft);
  const asked = kind === 'pre-election' ? 'PreVote' : 'Vote';
  // A pre-vote is asked for the next term, without entering it.
  const term = kind === 'pre-election' ? raft.term + 1 : raft.term;
  const context = kind === 'transfer' ? CAMPAIGN_TRANSFER : undefined;
  const { lastIndex: index, lastTerm: logTerm } = raft.log;
  for (const to of raft.tracker.voterIds()) {
    // The vote for itself counts like any other: once it is durable.
    if (to === raft.id) raft.send({ type: responseTo(asked), to, term });
    else raft.send({ type: asked, to, term, index, logTerm, context });
  }
}

function becomePreCandidate(raft: RaftState): void {
  raft.tracker.clearVotes();
  raft.leader = NONE;
  raft.role = 'pre-candidate';
}

function becomeCandidate(raft: RaftState): void {
  raft.reset(raft.term + 1);
  raft.vote = raft.id;
  raft.role = 'candidate';
}

/** Leads: first of all with an empty entry, since only with one of its own term can it commit (Raft, 5.4.2). */
function becomeLeader(raft: RaftState): void {
  raft.reset(raft.term);
  raft.leader = raft.id;
  raft.role = 'leader';
  const own = raft.tracker.get(raft.id);
  own?.becomeReplicate();
  if (own) own.recentActive = true;
  // There may be a change of configuration among the entries that are not applied yet.
  raft.pendingConfIndex = raft.log.lastIndex;
  appendProposals(raft, [EMPTY_PROPOSAL]);
  broadcastAppend(raft);
}

/** Votes, or refuses to, for a candidate or pre-candidate. */
export function answerVote(raft: RaftState, m: Message): void {
  const type = responseTo(m.type === 'PreVote' ? 'PreVote' : 'Vote');
  const isFree = raft.vote === NONE && raft.leader === NONE;
  const mayVote = raft.vote === m.from || isFree || (m.type === 'PreVote' && m.term > raft.term);
  if (!mayVote || !raft.log.isUpToDate(m.index, m.logTerm)) {
    raft.send({ type, to: m.from, term: raft.term, reject: true, ...ownCommit(raft) });
    return;
  }
  // A pre-vote is granted for the term asked for: at the own term, the asker would take it for an old answer.
  raft.send({ type, to: m.from, term: m.term });
  if (m.type === 'Vote') {
    raft.electionElapsed = 0;
    raft.vote = m.from;
  }
}

/**
 * Who was removed or demoted may be the only one to know that this is committed: the others, for whom it is a voter yet,
 * would ask it for ever, and get no vote where its log is longer. So its refusal tells them.
 */
function ownCommit({ id, log, tracker }: RaftState): { readonly commit?: number; readonly logTerm?: number } {
  const logTerm = log.term(log.committed);
  const isVoter = tracker.get(id)?.isLearner === false;
  return isVoter || logTerm === undefined ? {} : { commit: log.committed, logTerm };
}

/** Takes over what a refusal says to be committed. The vote is given up: it may be one of an outdated configuration. */
function learnCommit(raft: RaftState, m: Message): boolean {
  if (!m.reject || m.commit <= raft.log.committed || !raft.log.matchesTerm(m.commit, m.logTerm)) return false;
  raft.log.commitTo(m.commit);
  raft.becomeFollower(raft.term, NONE);
  return true;
}

/** Counts an answer, and goes on to the next step when the vote is decided. */
export function countVote(raft: RaftState, m: Message): void {
  if (learnCommit(raft, m)) return;
  raft.tracker.recordVote(m.from, !m.reject);
  const { result } = raft.tracker.tallyVotes();
  if (result === 'lost') raft.becomeFollower(raft.term, NONE);
  if (result === 'won' && raft.role === 'pre-candidate') campaign(raft, 'election');
  else if (result === 'won') becomeLeader(raft);
}

function responseTo(asked: 'Vote' | 'PreVote'): 'VoteResp' | 'PreVoteResp' {
  return asked === 'Vote' ? 'VoteResp' : 'PreVoteResp';
}
