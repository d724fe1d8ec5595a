/**
 * Until all others, whose clocks tick at other moments and who may have heard of the leader a little later, feel bound to it
 * no longer, in ticks: who stands before that is refused, and its turn is lost.
 */
const SLACK_TICKS = 2;
/**
 * Of an election time: by how much a node lets those go first that come before it. An election takes less, unless disks or
 * the network are slower than the timings were made for.
 */
const TURN = 0.25;

/**
 * How long a node waits for a leader whose connection it has lost, in ticks. For an election time others feel bound to the
 * leader; from then on the voters stand one after the other, in an order that all of them know, so that two don't meet and
 * split the vote.
 *
 * @param number of this node
 * @param voters all of them
 * @param lost the leader's number
 */
export function ticksUntilTurn(
  electionTicks: number,
  { number, voters, lost }: { readonly number: number; readonly voters: readonly number[]; readonly lost: number },
): number {
  const before = voters.filter((voter) => voter < number && voter !== lost).length;
  return electionTicks + Math.min(electionTicks, SLACK_TICKS + Math.ceil(before * TURN * electionTicks));
}
