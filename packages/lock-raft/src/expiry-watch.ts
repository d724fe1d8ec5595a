import type { Clock, MonotonicMs, Timer } from '@quorate/core';
import type { LockMachine } from './lock-machine.ts';

/** Sees to it that what has run out is taken away also when nothing else is asked of the log. */
export class ExpiryWatch implements Disposable {
  readonly #clock: Clock;
  readonly #retryMs: number;
  readonly #propose: () => Promise<boolean>;
  #machine: LockMachine | undefined;
  /** When the machine's time was what it is. */
  #appliedAt: MonotonicMs = 0;
  #timer: Timer | undefined;
  /** When the timer fires. */
  #dueAt: MonotonicMs = Infinity;
  #isProposing = false;
  #isClosed = false;

  /**
   * @param retryMs how soon to look again where this node doesn't lead, or the log is not as far
   * @param propose has time pass in the log, if this node leads; false when it takes no part in it any more
   */
  constructor(clock: Clock, retryMs: number, propose: () => Promise<boolean>) {
    this.#clock = clock;
    this.#retryMs = retryMs;
    this.#propose = propose;
  }

  applied(machine: LockMachine): void {
    this.#machine = machine;
    this.#appliedAt = this.#clock.now();
    this.#arm(this.#remaining);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Time in the log is no faster than here, but for what clocks differ. */
  get #remaining(): number {
    if (this.#machine === undefined) return Infinity;
    const { nextExpiry, time } = this.#machine;
    return nextExpiry - time - (this.#clock.now() - this.#appliedAt);
  }

  /** Looks then, unless it does so before: what has come last may be the first to run out. */
  #arm(delayMs: number): void {
    const dueAt = this.#clock.now() + Math.max(0, delayMs) + 1;
    if (this.#isClosed || this.#isProposing || dueAt >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = this.#clock.setTimer(dueAt - this.#clock.now(), () => {
      this.#dueAt = Infinity;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#remaining > 0) {
      this.#arm(this.#remaining);
      return;
    }
    this.#isProposing = true;
    const goesOn = await this.#propose().catch(() => true);
    this.#isProposing = false;
    if (goesOn) this.#arm(Math.max(this.#remaining, this.#retryMs));
  }
}
