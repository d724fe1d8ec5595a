import type { NodeId } from '@quorate/core';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** What two voters must agree on to count for each other: who votes, and how promises and grants are measured. */
export interface Rules {
  readonly voters: readonly NodeId[];
  readonly promiseMs: number;
  readonly maxClockDrift: number;
}

/**
 * A number of 32 bits that differs where the rules do: FNV-1a over `a,b,c;promiseMs;maxClockDrift`. It finds
 * configurations that differ by mistake; it is no protection against an adversary.
 */
export function rulesFingerprint({ voters, promiseMs, maxClockDrift }: Rules): number {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${voters.join(',')};${promiseMs};${maxClockDrift}`)) {
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return hash >>> 0;
}
