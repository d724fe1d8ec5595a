import type { Clock, MonotonicMs, Timer } from '@quorate/core';

/** What remains of a delay with each timer that runs in time. */
const DECAY = 0.75;

/** The one timer of a part that has much to do at times; from how late it runs, it tells how busy the event loop is. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  /** When `#timer` is due. */
  #dueAt = Infinity;
  #delayMs = 0;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** How late timers have run of late, and how late one is now. */
  get loopDelayMs(): number {
    const late = this.#timer === undefined ? 0 : this.#clock.now() - this.#dueAt;
    return Math.max(this.#delayMs, late, 0);
  }

  /** Rings at this time, or earlier when it was set to an earlier one before. */
  set(at: MonotonicMs): void {
    if (this.#timer !== undefined && this.#dueAt <= at) return;
    this.#timer?.cancel();
    const now = this.#clock.now();
    this.#dueAt = Math.max(at, now);
    this.#timer = this.#clock.setTimer(this.#dueAt - now, () => this.#run());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(): void {
    this.#timer = undefined;
    const late = Math.max(0, this.#clock.now() - this.#dueAt);
    this.#delayMs = Math.max(late, this.#delayMs * DECAY);
    this.#ring();
  }
}
