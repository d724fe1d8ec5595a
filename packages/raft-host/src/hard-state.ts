import type { GroupLog } from '@quorate/core';
import { type HardState, NONE } from '@quorate/raft';
import type { GroupState } from './group-state.ts';

/** What consensus begins with on this log. */
export function hardStateOf(log: GroupLog, state: Pick<GroupState, 'term' | 'vote'>): HardState {
  // A crash can leave a leader's snapshot and not the term that its message was of: a vote in that is not known of.
  const lastTerm = log.term(log.lastIndex) ?? 0;
  const { term, vote } = lastTerm > state.term ? { term: lastTerm, vote: NONE } : state;
  const start = log.snapshot?.index ?? 0;
  return { term, vote, commit: Math.max(start, Math.min(log.commit, log.lastIndex)) };
}
