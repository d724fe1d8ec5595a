import type { Clock, Timer } from '@quorate/core';

/** How much later than they were due timers run: what the event loop was busy with, or the process was stopped for. */
export class EventLoopDelay implements Disposable {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #timer: Timer;
  #dueAt: number;
  #highestMs = 0;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#dueAt = clock.now() + everyMs;
    this.#timer = clock.setTimer(everyMs, this.#tick);
  }

  /** The longest delay since it was asked last, what is late by now included. */
  take(): number {
    const highestMs = Math.max(this.#highestMs, this.#clock.now() - this.#dueAt, 0);
    this.#highestMs = 0;
    return highestMs;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    this.#highestMs = Math.max(this.#highestMs, now - this.#dueAt);
    this.#dueAt = now + this.#everyMs;
    this.#timer = this.#clock.setTimer(this.#everyMs, this.#tick);
  };
}
