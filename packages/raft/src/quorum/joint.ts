import { majorityCommitted, majorityVote, type VoteResult, type VoterSet } from './majority.ts';

/**
 * The voters of a configuration. While a change is under way there are two halves, and nothing is decided
 * without a majority of each; otherwise `outgoing` is empty.
 */
export interface JointVoters {
  readonly incoming: VoterSet;
  readonly outgoing: VoterSet;
}

/** Whether a change is under way. */
export function isJoint(voters: JointVoters): boolean {
  return voters.outgoing.size > 0;
}

/** Whether a node votes in either half. */
export function isVoter(voters: JointVoters, id: number): boolean {
  return voters.incoming.has(id) || voters.outgoing.has(id);
}

/** All who vote in either half, in ascending order. */
export function voterIds(voters: JointVoters): number[] {
  return [...new Set([...voters.incoming, ...voters.outgoing])].sort((a, b) => a - b);
}

/** The highest index that both halves have acknowledged; `Infinity` if there is no voter at all. */
export function jointCommitted(voters: JointVoters, acknowledged: (id: number) => number | undefined): number {
  const incoming = majorityCommitted(voters.incoming, acknowledged);
  return isJoint(voters) ? Math.min(incoming, majorityCommitted(voters.outgoing, acknowledged)) : incoming;
}

/** Won once both halves are won, lost as soon as either is lost. */
export function jointVote(voters: JointVoters, vote: (id: number) => boolean | undefined): VoteResult {
  const incoming = majorityVote(voters.incoming, vote);
  const outgoing = majorityVote(voters.outgoing, vote);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}
