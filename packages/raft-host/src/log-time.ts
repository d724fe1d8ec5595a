import type { Clock, MonotonicMs } from '@quorate/core';

/**
 * The time in a group's log, in milliseconds: it goes on by the clock of whoever leads, from where the log was when it
 * began to, and so never back where another takes over whose clock shows less.
 */
export class LogTime {
  readonly #clock: Clock;
  #since: MonotonicMs = 0;
  #from = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** This node leads from now on. @param applied the time of the last entry that the machine has applied */
  lead(applied: number): void {
    this.#since = this.#clock.now();
    this.#from = applied;
  }

  /** What an entry is stamped with that is proposed now. @param applied the time of the last entry that was applied */
  next(applied: number): number {
    return Math.max(applied, this.#from + Math.floor(this.#clock.now() - this.#since));
  }
}
