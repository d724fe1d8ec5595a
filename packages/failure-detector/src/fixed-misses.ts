import { checkOptions, type MonotonicMs, rule } from '@quorate/core';

import type { FailureDetector, FailureDetectorFactory } from './failure-detector.ts';

/** When a failure detector by fixed misses suspects. */
export interface FixedMissesOptions {
  /**
   * How often the node sends.
   * @default 1000
   */
  readonly intervalMs?: number;
  /**
   * After how many intervals without a heartbeat the node is not available.
   * @default 5
   */
  readonly missThreshold?: number;
}

const MAX_INTERVAL_MS = 3_600_000;

const rules = {
  intervalMs: rule.duration({ min: 1, max: MAX_INTERVAL_MS }),
  missThreshold: rule.number({ min: 1, max: 1_000 }),
};

/**
 * The detector that can be said in a sentence: a node has failed when nothing came for `missThreshold` intervals. Its
 * suspicion is the number of intervals since the last heartbeat.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function fixedMisses(options: FixedMissesOptions = {}): FailureDetectorFactory {
  const checked = checkOptions<FixedMissesOptions>('fixedMisses', rules, options);
  const { intervalMs = 1_000, missThreshold = 5 } = checked;
  return () => new FixedMisses(intervalMs, missThreshold);
}

class FixedMisses implements FailureDetector {
  readonly #intervalMs: number;
  readonly #missThreshold: number;
  #lastAt: MonotonicMs | undefined;

  constructor(intervalMs: number, missThreshold: number) {
    this.#intervalMs = intervalMs;
    this.#missThreshold = missThreshold;
  }

  heartbeat(now: MonotonicMs): void {
    this.#lastAt = Math.max(now, this.#lastAt ?? -Infinity);
  }

  suspicion(now: MonotonicMs): number {
    return this.#lastAt === undefined ? 0 : Math.max(0, now - this.#lastAt) / this.#intervalMs;
  }

  isAvailable(now: MonotonicMs): boolean {
    return this.suspicion(now) < this.#missThreshold;
  }
}
