import type { Clock, MonotonicMs, Timer } from './clock.ts';

/**
 * Does something at once when it is asked for, and then no more often than every so many milliseconds: what is asked for
 * in between is done once, at the end of them.
 */
export class Pace implements Disposable {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #action: () => void;
  #doneAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  /** There while something was asked for and is not done yet. */
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, intervalMs: number, action: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#action = action;
  }

  ask(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const waitMs = this.#doneAt + this.#intervalMs - this.#clock.now();
    if (waitMs <= 0) this.#do();
    else this.#timer = this.#clock.setTimer(waitMs, () => this.#do());
  }

  /** What was asked for and is not done yet is not done any more. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #do(): void {
    this.#timer = undefined;
    this.#doneAt = this.#clock.now();
    this.#action();
  }
}
