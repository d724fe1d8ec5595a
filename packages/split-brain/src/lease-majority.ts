import { checkOptions, invalidOption, type Locks, rule } from '@quorate/core';

import { LeaseArbiter } from './lease-arbiter.ts';
import type { SplitBrainStrategy } from './strategy.ts';

/** What `leaseMajority` is told. */
export interface LeaseMajorityOptions {
  /** Of an engine outside of the cluster, which both sides of a partition may reach: `cluster.locks`. */
  readonly locks: Locks;
  /**
   * What is locked: the same on all nodes, and used for nothing else.
   * @default 'split-brain'
   */
  readonly lockName?: string;
  /**
   * How long a side without a majority waits before it asks, so that the one with the majority usually comes first.
   * @default 2000
   */
  readonly minorityWaitMs?: number;
  /**
   * How long the engine may take to answer.
   * @default 5000
   */
  readonly acquireTimeoutMs?: number;
  /**
   * How long nodes wait to be told by the one that asks for their side, beyond the two above.
   * @default 10000
   */
  readonly answerTimeoutMs?: number;
  /**
   * How long the engine keeps the lease when its holder is gone: until then no other side gets it.
   * @default 60000
   */
  readonly ttlMs?: number;
}

const HOUR_MS = 3_600_000;

const rules = {
  locks: rule.value<Locks>('the locks of a cluster', (value) => hasTryLock(value)),
  lockName: rule.text('a text of 1 to 256 characters', (text) => text.length > 0 && text.length <= 256),
  minorityWaitMs: rule.duration({ min: 0, max: HOUR_MS }),
  acquireTimeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  answerTimeoutMs: rule.duration({ min: 0, max: HOUR_MS }),
  ttlMs: rule.duration({ min: 1_000, max: 24 * HOUR_MS }),
};

/**
 * The side goes on that gets a lease which only one can have. On each side the node whose id comes first asks for it, and
 * tells the others of its side; it keeps the lease until those that were removed are back or forgotten.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function leaseMajority(options: LeaseMajorityOptions): SplitBrainStrategy {
  // Whatever the types say: a program in JavaScript may have left it out.
  const given: Partial<LeaseMajorityOptions> = checkOptions<LeaseMajorityOptions>('leaseMajority', rules, options);
  const { locks, lockName = 'split-brain', minorityWaitMs = 2_000, acquireTimeoutMs = 5_000 } = given;
  const { answerTimeoutMs = 10_000, ttlMs = 60_000 } = given;
  if (locks === undefined) throw invalidOption('leaseMajority', 'locks', rules.locks.expected, locks);
  return {
    name: 'leaseMajority',
    decide: ({ reachable, unreachable }) => {
      const isMajority = reachable.length > unreachable.length;
      return { type: 'arbitrate', waitMs: isMajority ? 0 : minorityWaitMs };
    },
    arbiter: (cluster) => new LeaseArbiter(cluster, { locks, lockName, acquireTimeoutMs, answerTimeoutMs, ttlMs }),
  };
}

function hasTryLock(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'tryLock' in value && typeof value.tryLock === 'function';
}
