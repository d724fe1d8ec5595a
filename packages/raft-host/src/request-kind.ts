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
  /** What are you in the group, and which log have you? Asked of whoever is to be a member. */
  IDENTIFY: 5,
  /** That member was removed. */
  REMOVED: 6,
  /** A command at which the machines have stopped is to be skipped: for the leader. */
  SKIP: 7,
  /** Has your machine applied this command? Asked by a leader that is to have it skipped. */
  HAS_APPLIED: 8,
  /** I have lost the log that I had as a member: give me a place again. For the leader, from that node itself. */
  REPAIR: 9,
  /** Does your machine go on, and has it applied this entry? Asked by a leader whose own machine has stopped there. */
  GOES_ON: 10,
  /** That voter is to lead: for the leader. */
  TRANSFER: 11,
} as const;
