import type { FailureReason, MonotonicMs } from '@quorate/core';
import type { Evidence, MemberRecord, StateOfMember, SwimSelf } from './types.ts';

/** A member as this node has it from now on; `since` stays while its state does. */
export function recordOf(state: StateOfMember, known: MemberRecord | undefined, now: MonotonicMs): MemberRecord {
  const since = known?.state === state.state ? known.since : now;
  return Object.freeze({ ...state, since });
}

/** What is told of a member to others. */
export function withoutTime(member: MemberRecord): StateOfMember {
  const { since: _, describedIn: __, isHearsay: ___, ...state } = member;
  return Object.freeze(state);
}

/** This node, before it has met anybody. */
export function recordOfSelf({ node, incarnation, address }: SwimSelf, now: MonotonicMs): MemberRecord {
  const { id, host, port } = node;
  return Object.freeze({
    id,
    node,
    address: address ?? { host, port },
    state: 'alive',
    incarnation,
    epoch: 0,
    refutation: 0,
    joinOrder: 0,
    since: now,
  });
}

export function failureReason(evidence: Evidence): FailureReason {
  if (evidence === 'refused') return 'connection_refused';
  return evidence === 'closed' ? 'connection_closed' : 'heartbeat_timeout';
}
