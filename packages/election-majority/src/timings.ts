import { invalidOption, type OptionRules, rule } from '@quorate/core';

/** How quickly a lost leader is noticed, against how much delay a healthy one may suffer. Milliseconds. */
export interface ElectionTimings {
  /** How often the leader renews its grant. */
  readonly heartbeatMs: number;
  /**
   * A voter that heard the leader promises this long not to vote for another; a follower stands for election after a
   * random time from here on.
   */
  readonly electionMinMs: number;
  /** The upper end of that random time. */
  readonly electionMaxMs: number;
}

/** A kind of network, with timings that suit it. */
export type ElectionProfile = 'fast' | 'lan' | 'wan';

/** Timings for a kind of network. */
export const electionProfiles: Readonly<Record<ElectionProfile, ElectionTimings>> = {
  /** One machine or rack; a pause of 50 ms of the leader's process costs it the leadership. */
  fast: { heartbeatMs: 10, electionMinMs: 50, electionMaxMs: 100 },
  /** One data centre. */
  lan: { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 },
  /** Between regions. */
  wan: { heartbeatMs: 500, electionMinMs: 2500, electionMaxMs: 5000 },
};

export const timingRules: OptionRules<ElectionTimings> = {
  heartbeatMs: rule.duration({ min: 1, max: 60_000 }),
  electionMinMs: rule.duration({ min: 2, max: 600_000 }),
  electionMaxMs: rule.duration({ min: 3, max: 600_000 }),
};

/** @throws ClusterError `INVALID_OPTIONS` when the timings cannot elect, or not keep, a leader */
export function checkTimings(owner: string, timings: ElectionTimings): ElectionTimings {
  const { heartbeatMs, electionMinMs, electionMaxMs } = timings;
  if (heartbeatMs * 2 > electionMinMs) {
    throw invalidOption(owner, 'timings.heartbeatMs', `at most half of electionMinMs (${electionMinMs})`, heartbeatMs);
  }
  if (electionMaxMs <= electionMinMs) {
    throw invalidOption(owner, 'timings.electionMaxMs', `greater than electionMinMs (${electionMinMs})`, electionMaxMs);
  }
  return timings;
}

/**
 * How long a grant lasts, measured by the leader, so that it has ended by true time before a promise of `promiseMs`,
 * measured by a voter that made it later, has: whatever each clock gains or loses, up to `maxDrift` of the time.
 */
export function leaseWithin(promiseMs: number, maxDrift: number): number {
  return (promiseMs * (1 - maxDrift)) / (1 + maxDrift);
}
