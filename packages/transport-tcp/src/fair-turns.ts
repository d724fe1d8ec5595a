import type { Clock } from '@quorate/core';

/**
 * Shares the event loop among connections. In each of its turns every connection may have its share of frames handled; of
 * those that have more, one a turn goes on, in the order in which they came. So whoever sends little is answered soon,
 * however much others send, and however many they are.
 */
export class FairTurns {
  readonly #clock: Clock;
  /** Who has had a share and has more, the first to go on first. */
  readonly #waiting: (() => void)[] = [];
  #turn = 0;
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The turn that it is now: another number, another share. */
  get turn(): number {
    if (!this.#isScheduled) this.#schedule();
    return this.#turn;
  }

  /** Has it go on in a later turn. */
  wait(goOn: () => void): void {
    this.#waiting.push(goOn);
    if (!this.#isScheduled) this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#clock.defer(this.#next);
  }

  readonly #next = (): void => {
    this.#isScheduled = false;
    this.#turn += 1;
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0 && !this.#isScheduled) this.#schedule();
  };
}
