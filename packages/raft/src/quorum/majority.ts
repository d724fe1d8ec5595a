/** How a vote stands: open, or decided whatever the rest of the voters say. */
export type VoteResult = 'pending' | 'won' | 'lost';

/** Ids of voters. Sets of voters are never changed in place. */
export type VoterSet = ReadonlySet<number>;

/** The smallest size such that any two groups of that size out of `voters` share a member. */
export function majoritySize(voters: VoterSet): number {
  return Math.floor(voters.size / 2) + 1;
}

/**
 * The highest index that a majority has acknowledged. A set without voters agrees to anything: `Infinity`, so
 * that it never holds up the other half of a joint configuration.
 * @param acknowledged What a voter has acknowledged; undefined counts as nothing, 0.
 */
export function majorityCommitted(voters: VoterSet, acknowledged: (id: number) => number | undefined): number {
  if (voters.size === 0) return Infinity;
  const indices: number[] = [];
  for (const id of voters) insertDescending(indices, acknowledged(id) ?? 0);
  return indices[majoritySize(voters) - 1] ?? 0;
}

/**
 * The result of a vote by majority. A set without voters has been won: it is only ever asked beside another.
 * @param vote What a voter said; undefined while it hasn't.
 */
export function majorityVote(voters: VoterSet, vote: (id: number) => boolean | undefined): VoteResult {
  if (voters.size === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const said = vote(id);
    if (said === true) granted += 1;
    if (said === undefined) missing += 1;
  }
  if (granted >= majoritySize(voters)) return 'won';
  return granted + missing >= majoritySize(voters) ? 'pending' : 'lost';
}

/** Insertion sort: groups are small, and this runs for every acknowledgement. */
function insertDescending(sorted: number[], value: number): void {
  let at = sorted.length;
  for (; at > 0; at -= 1) {
    const before = sorted[at - 1] ?? 0;
    if (before >= value) break;
    sorted[at] = before;
  }
  sorted[at] = value;
}
