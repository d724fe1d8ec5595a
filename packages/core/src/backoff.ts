import type { Random } from './random.ts';

/** How long the delays of a `Backoff` are. */
export interface BackoffOptions {
  /** The first delay, before jitter. */
  readonly baseMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
}

/**
 * Delays between attempts: doubling from the base to the cap, each drawn from the upper half of its range so that many
 * nodes don't try in step. (Brooker, "Exponential Backoff and Jitter", AWS 2015: equal jitter.)
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #attempts = 0;

  constructor(random: Random, options: BackoffOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The delay in milliseconds before the next attempt. */
  next(): number {
    const { baseMs, maxMs } = this.#options;
    const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(this.#attempts, 40));
    this.#attempts += 1;
    return ceiling / 2 + (this.#random.next() * ceiling) / 2;
  }

  /** To be called on success. */
  reset(): void {
    this.#attempts = 0;
  }
}
