import { ClusterError, invalidOption, type OptionRules, rule } from '@quorate/core';

/** The timings that every adapter over a lease has. Spread `leaseRules` into its own rules. */
export interface LeaseOptions {
  /**
   * How long the engine keeps the lease of a holder that doesn't renew it: no other takes over before. The same on every
   * node.
   * @default 15000
   */
  readonly ttlMs?: number;
  /**
   * For how long a grant holds from when the last renewal that succeeded was sent, by this node's monotonic clock. What
   * is left to `ttlMs` is the margin for clocks: with 0.8 of it, safe while neither this node's clock nor the engine's
   * runs faster or slower than true time by more than a tenth. At most 0.98 of it, which leaves one hundredth to each.
   * @default 0.8 of ttlMs
   */
  readonly validForMs?: number;
  /**
   * From one renewal to the next, give or take a tenth.
   * @default a sixth of ttlMs, and at most a quarter of validForMs
   */
  readonly renewEveryMs?: number;
  /**
   * How long the engine may take to answer one call. Small enough for a grant to outlive one renewal that is never
   * answered: renewEveryMs and twice this are together at most validForMs.
   * @default a sixth of ttlMs, and at most a third of what renewEveryMs leaves of validForMs
   */
  readonly callTimeoutMs?: number;
}

/** Checked, and complete. */
export type LeaseTimings = Required<LeaseOptions>;

const DEFAULT_TTL_MS = 15_000;
const HOUR_MS = 3_600_000;
/** Two clocks that are each off by one hundredth: 0.99 / 1.01. */
const MAX_VALID_PART = 0.98;
/** Clocks that are each off by a tenth: 0.9 / 1.1, rounded down. */
const DEFAULT_VALID_PART = 0.8;

/** The rules for `LeaseOptions`. */
export const leaseRules: OptionRules<LeaseOptions> = {
  ttlMs: rule.duration({ min: 100, max: 24 * HOUR_MS }),
  validForMs: rule.duration({ min: 10, max: 24 * HOUR_MS }),
  renewEveryMs: rule.duration({ min: 1, max: 24 * HOUR_MS }),
  callTimeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
};

/**
 * What was given, each by itself checked by `leaseRules`, with every default in place.
 * @param owner whose options they are, for messages: `etcdElection`
 * @throws ClusterError `INVALID_OPTIONS` when they don't go together
 */
export function leaseTimings(owner: string, given: LeaseOptions): LeaseTimings {
  const { ttlMs = DEFAULT_TTL_MS } = given;
  const { validForMs = DEFAULT_VALID_PART * ttlMs } = given;
  const { renewEveryMs = Math.min(ttlMs / 6, validForMs / 4) } = given;
  const { callTimeoutMs = Math.min(ttlMs / 6, Math.max(1, (validForMs - renewEveryMs) / 3)) } = given;
  if (validForMs > MAX_VALID_PART * ttlMs) {
    throw invalidOption(owner, 'validForMs', `at most ${MAX_VALID_PART} of ttlMs, ${ttlMs}`, validForMs);
  }
  if (renewEveryMs + 2 * callTimeoutMs > validForMs) {
    throw new ClusterError(
      'INVALID_OPTIONS',
      `${owner}: renewEveryMs (${renewEveryMs}) and twice callTimeoutMs (${callTimeoutMs}) must be at most validForMs ` +
        `(${validForMs}) together, or one renewal that is lost costs the grant`,
    );
  }
  return { ttlMs, validForMs, renewEveryMs, callTimeoutMs };
}
