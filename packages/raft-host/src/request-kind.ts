/** What one node calls another for, about a group. */
export const requestKind = {
  /** What do you know of the group? Asked by a founder that knows nothing. */
  ASK: 1,
  /** You are this member. */
  INVITE: 2,
  /** Commands for the leader. */
  FORWARD: 3,
  /** A change of the members, for the leader. */
  CHANGE: 4,
} as const;
