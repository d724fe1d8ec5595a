import type { Leadership } from '@quorate/core';
import { type Led, notLeader } from './led.ts';

/**
 * A function that works on the leader only: it is asked at each call whether this node's grant holds. The function gets
 * the grant, whose token goes along with every effect outside; what is still under way when the grant ends is told by the
 * grant's signal, and refused by whoever has seen a newer token.
 * @returns rejects with ClusterError `NOT_LEADER`, with id and address of the leader where they are known, before anything
 * is done
 */
export function leaderOnly<A extends readonly unknown[], T>(
  led: Led,
  work: (leadership: Leadership, ...given: A) => T | Promise<T>,
): (...given: A) => Promise<T> {
  return async (...given) => {
    const { leadership } = led.election;
    if (leadership?.isValid() !== true) throw notLeader(led, work.name === '' ? 'leaderOnly' : work.name);
    return await work(leadership, ...given);
  };
}

/** Does the work if this node leads now; otherwise nothing, and the result is undefined. */
export async function runIfLeader<T>(
  led: Led,
  work: (leadership: Leadership) => T | Promise<T>,
): Promise<T | undefined> {
  const { leadership } = led.election;
  return leadership?.isValid() === true ? await work(leadership) : undefined;
}
