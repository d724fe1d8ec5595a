import type { MonotonicMs, Random } from '@quorate/core';
import type { ElectionTimings } from './timings.ts';

const MIN_STAGGER_MS = 8;
const MAX_STAGGER_MS = 250;

/**
 * When to stand for election, or to try again: at random, so that few stand at one time (Ongaro and Ousterhout 2014,
 * section 5.2); but after something that all have noticed, in an order that all agree on.
 */
export class ElectionTimer {
  readonly #timings: ElectionTimings;
  readonly #random: Random;
  #due: MonotonicMs;

  constructor(timings: ElectionTimings, random: Random, now: MonotonicMs) {
    this.#timings = timings;
    this.#random = random;
    this.#due = now + this.#timeout();
  }

  get due(): MonotonicMs {
    return this.#due;
  }

  /** A leader, a vote or an attempt of one's own: wait for as long as any follower does. */
  restart(now: MonotonicMs): void {
    this.#due = now + this.#timeout();
  }

  /** Leaves a successor the time to be elected. */
  yield(now: MonotonicMs): void {
    this.#due = now + this.#timings.electionMaxMs + this.#timeout();
  }

  setTo(time: MonotonicMs): void {
    this.#due = time;
  }

  notBefore(now: MonotonicMs): void {
    this.#due = Math.max(this.#due, now);
  }

  /** @param turn how many come before this node */
  standInTurn(turn: number, from: MonotonicMs): void {
    this.#due = Math.min(this.#due, from + turn * this.#staggerMs());
  }

  /** Sooner than planned: after `delayMs`, in turn, and not in step with others of the same turn. */
  retry(turn: number, delayMs: number, now: MonotonicMs): void {
    const jitterMs = (this.#random.next() * this.#staggerMs()) / 2;
    this.#due = Math.min(this.#due, now + Math.max(1, delayMs + turn * this.#staggerMs() + jitterMs));
  }

  #staggerMs(): number {
    return Math.min(MAX_STAGGER_MS, Math.max(MIN_STAGGER_MS, this.#timings.heartbeatMs / 2));
  }

  #timeout(): number {
    const { electionMinMs, electionMaxMs } = this.#timings;
    return electionMinMs + this.#random.next() * (electionMaxMs - electionMinMs);
  }
}
