import { checkOptions, type MonotonicMs, rule } from '@quorate/core';

import type { FailureDetector, FailureDetectorFactory } from './failure-detector.ts';
import { IntervalWindow } from './interval-window.ts';
import { log10UpperTail, quantileOfTail } from './normal-tail.ts';

/** When a failure detector by phi accrual suspects. */
export interface PhiAccrualOptions {
  /**
   * The suspicion from which on the node is not available: at 8, a heartbeat that late was expected once in 10^8.
   * @default 8
   */
  readonly threshold?: number;
  /**
   * How many of the latest intervals count.
   * @default 200
   */
  readonly windowSize?: number;
  /**
   * The least that intervals are taken to vary: it keeps a node that was regular for long from being blamed for a
   * single late message.
   * @default a tenth of `firstEstimateMs`
   */
  readonly minStdDeviationMs?: number;
  /**
   * What a heartbeat may be late by, beyond what was measured: pauses that are rarer than the window is long, as of a
   * garbage collector.
   * @default twice `firstEstimateMs`
   */
  readonly acceptablePauseMs?: number;
  /**
   * What intervals are taken to be before any was measured, with a deviation of a quarter: best how often the node sends.
   * @default 1000
   */
  readonly firstEstimateMs?: number;
}

const DAY_MS = 86_400_000;

const rules = {
  threshold: rule.number({ min: 0.5, max: 1_000 }),
  windowSize: rule.integer({ min: 2, max: 10_000 }),
  minStdDeviationMs: rule.duration({ min: 0.001, max: DAY_MS }),
  acceptablePauseMs: rule.duration({ min: 0, max: DAY_MS }),
  firstEstimateMs: rule.duration({ min: 1, max: DAY_MS }),
};

/**
 * The detector that learns how regular a node is: phi is `-log10` of how likely a heartbeat is to come still later than now,
 * if intervals are distributed normally as the latest were. (Hayashibara, Défago, Yared, Katayama, "The φ accrual failure
 * detector", 2004, sections 4 and 5.)
 *
 * An interval at whose end the node was not available counts as the one at which it ceased to be: so an outage doesn't spoil
 * what was measured before, and pauses that come again and again are learned of.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function phiAccrual(options: PhiAccrualOptions = {}): FailureDetectorFactory {
  const checked = checkOptions<PhiAccrualOptions>('phiAccrual', rules, options);
  const { firstEstimateMs = 1_000, threshold = 8, windowSize = 200 } = checked;
  const { minStdDeviationMs = firstEstimateMs / 10, acceptablePauseMs = 2 * firstEstimateMs } = checked;
  const settled = { firstEstimateMs, threshold, windowSize, minStdDeviationMs, acceptablePauseMs };
  return () => new PhiAccrual(settled);
}

class PhiAccrual implements FailureDetector {
  readonly #options: Required<PhiAccrualOptions>;
  readonly #window: IntervalWindow;
  /** The threshold in deviations. */
  readonly #limit: number;
  #lastAt: MonotonicMs | undefined;

  constructor(options: Required<PhiAccrualOptions>) {
    const { firstEstimateMs, windowSize } = options;
    this.#options = options;
    this.#limit = quantileOfTail(-options.threshold);
    this.#window = new IntervalWindow(windowSize, [0.75 * firstEstimateMs, 1.25 * firstEstimateMs]);
  }

  heartbeat(now: MonotonicMs): void {
    const last = this.#lastAt;
    const at = Math.max(now, last ?? -Infinity);
    if (last !== undefined) this.#window.add(Math.min(at - last, this.#patienceMs));
    this.#lastAt = at;
  }

  suspicion(now: MonotonicMs): number {
    if (this.#lastAt === undefined) return 0;
    const elapsed = Math.max(0, now - this.#lastAt);
    const phi = -log10UpperTail((elapsed - this.#expectedMs) / this.#deviationMs);
    // Not minus zero.
    return Math.max(0, phi);
  }

  isAvailable(now: MonotonicMs): boolean {
    return this.#lastAt === undefined || now - this.#lastAt < this.#patienceMs;
  }

  get #expectedMs(): number {
    return this.#window.mean + this.#options.acceptablePauseMs;
  }

  get #deviationMs(): number {
    return Math.max(this.#window.deviation, this.#options.minStdDeviationMs);
  }

  /** The silence at which suspicion reaches the threshold. */
  get #patienceMs(): number {
    return this.#expectedMs + this.#limit * this.#deviationMs;
  }
}
