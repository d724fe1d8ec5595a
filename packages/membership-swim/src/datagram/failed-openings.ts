import type { Clock, MonotonicMs } from '@quorate/core';

/** At 30 µs each, about 3 % of a core. */
const PER_MS = 1;
export const BURST = 200;

/**
 * How many datagrams could be told to be forged only by opening them, which takes as long as ten that are refused by their
 * header. Whoever has seen one header pass can make as many as the line takes.
 */
export class FailedOpenings {
  readonly #clock: Pick<Clock, 'now'>;
  /** How many more may be opened in vain, as of then. */
  #left = BURST;
  #asOf: MonotonicMs;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#asOf = clock.now();
  }

  get areTooMany(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#asOf) * PER_MS);
    this.#asOf = now;
    return this.#left < 1;
  }

  count(): void {
    // No debt: who floods from the address of a peer keeps nobody out for longer than it lasts.
    this.#left = Math.max(0, this.#left - 1);
  }
}
