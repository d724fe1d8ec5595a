import type { SwimSettings } from './settings.ts';

/** How often a rumour is sent by one node: the bound of SWIM's section 4.1, as memberlist counts it. */
export function transmitLimit({ retransmitMult }: SwimSettings, size: number): number {
  return retransmitMult * Math.ceil(Math.log10(size + 1));
}

/** The shortest suspicion: long enough for news to reach everybody and come back. */
function shortestSuspicionMs({ suspicionMult, probeIntervalMs }: SwimSettings, size: number): number {
  return suspicionMult * Math.max(1, Math.log10(Math.max(1, size))) * probeIntervalMs;
}

/** How many confirmations are expected; none where too few others live to give them. */
function confirmationsExpected({ expectedConfirmations }: SwimSettings, size: number): number {
  return size - 2 < expectedConfirmations ? 0 : expectedConfirmations;
}

export interface SuspicionBounds {
  readonly shortestMs: number;
  readonly longestMs: number;
  /** Confirmations after which it is the shortest. */
  readonly expected: number;
}

export function suspicionBounds(settings: SwimSettings, size: number): SuspicionBounds {
  const shortestMs = shortestSuspicionMs(settings, size);
  const expected = confirmationsExpected(settings, size);
  return { shortestMs, longestMs: settings.suspicionMaxMult * shortestMs, expected };
}

/** Lifeguard, section III-B: from the longest to the shortest with the logarithm of the confirmations. */
export function suspicionMs({ shortestMs, longestMs, expected }: SuspicionBounds, confirmations: number): number {
  if (expected === 0) return shortestMs;
  const share = Math.log(confirmations + 1) / Math.log(expected + 1);
  return Math.max(shortestMs, longestMs - share * (longestMs - shortestMs));
}
