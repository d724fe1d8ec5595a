import type { Clock, Timer } from '@quorate/core';

/** A clock that knows which of its timers are still to fire: what a part leaves behind when it was disposed. */
export class CountedClock implements Clock {
  readonly #clock: Clock;
  readonly #pending = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#clock.now();
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const inner = this.#clock.setTimer(delayMs, () => {
      this.#pending.delete(timer);
      callback();
    });
    const timer: Timer = {
      cancel: () => {
        this.#pending.delete(timer);
        inner.cancel();
      },
    };
    this.#pending.add(timer);
    return timer;
  }

  defer(callback: () => void): void {
    this.#clock.defer(callback);
  }
}
