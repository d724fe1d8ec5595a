import type { MonotonicMs } from '@quorate/core';

/** What part of an interval a tick may be late by before it counts as a pause. */
const TOLERANCE = 0.5;
/** What is left of a lateness after each further interval: half after seven of them. */
const FADING = 0.9;

/**
 * Time as this node lived it: it stands still while the node was paused, which is how it knows that its own silence
 * is not that of others. A pause is a gap between two ticks that is longer than it ought to be; from its discovery on
 * time stands still for another interval, in which what was queued meanwhile is read.
 */
export class WakingTime {
  readonly #intervalMs: number;
  /** By both clocks, the last moment at which it was known to be awake. */
  #lived: MonotonicMs;
  #tickedAt: MonotonicMs;
  #isGrace = false;
  /** Of the latest ticks, the older ones fading. */
  #loopDelayMs = 0;

  constructor(intervalMs: number, now: MonotonicMs) {
    this.#intervalMs = intervalMs;
    this.#lived = now;
    this.#tickedAt = now;
  }

  /** How late ticks were of late. */
  get loopDelayMs(): number {
    return this.#loopDelayMs;
  }

  read(now: MonotonicMs): MonotonicMs {
    if (this.#isGrace) return this.#lived;
    return this.#lived + Math.min(now - this.#tickedAt, this.#longestGapMs);
  }

  /** Whether what is silent now may just not have been read yet. */
  isUnsure(now: MonotonicMs): boolean {
    return this.#isGrace || now - this.#tickedAt > this.#longestGapMs;
  }

  /** An interval is over, or more. */
  tick(now: MonotonicMs): void {
    const lateMs = Math.max(0, now - this.#tickedAt - this.#intervalMs);
    const wasPaused = now - this.#tickedAt > this.#longestGapMs;
    this.#lived = this.read(now);
    this.#tickedAt = now;
    this.#isGrace = wasPaused;
    this.#loopDelayMs = Math.max(lateMs, FADING * this.#loopDelayMs);
  }

  get #longestGapMs(): number {
    return (1 + TOLERANCE) * this.#intervalMs;
  }
}
