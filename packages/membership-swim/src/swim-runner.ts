import type { Clock, MonotonicMs } from '@quorate/core';

import { Alarm } from './alarm.ts';
import type { Swim } from './protocol/swim.ts';

/** What the runner calls. */
export interface RunnerParts {
  readonly clock: Clock;
  /** At the times that were asked for, beside the machine's own. */
  round(now: MonotonicMs): void;
  /** The machine has done what it was called for. */
  settled(): void;
  /** The machine threw, which it never ought to. */
  failed(error: unknown): void;
}

/** Gives the machine its time, and sees to it that it is never called from within a call of its own. */
export class SwimRunner implements Disposable {
  readonly #parts: RunnerParts;
  readonly #alarm: Alarm;
  #swim: Swim | undefined;
  #isInside = false;
  /** Asked for by what the machine has called. */
  readonly #later: ((swim: Swim, now: MonotonicMs) => void)[] = [];
  #roundAt = Infinity;
  #closed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, () => this.#ring());
  }

  get swim(): Swim | undefined {
    return this.#swim;
  }

  get isInside(): boolean {
    return this.#isInside;
  }

  get loopDelayMs(): number {
    return this.#alarm.loopDelayMs;
  }

  run(swim: Swim): void {
    this.#swim = swim;
    this.enter((machine, now) => machine.start(now));
  }

  /** Calls `round` then, or earlier when that was asked for. */
  roundAt(at: MonotonicMs): void {
    if (this.#closed) return;
    this.#roundAt = at;
    this.#alarm.set(at);
  }

  /** Calls the machine; from within one of its calls, once that has returned. Nothing before it runs, or at the end. */
  enter(call: (swim: Swim, now: MonotonicMs) => void): void {
    if (this.#swim === undefined || this.#closed) return;
    this.#later.push(call);
    if (this.#isInside) return;
    this.#isInside = true;
    for (let next = this.#later.shift(); next !== undefined && !this.#closed; next = this.#later.shift()) {
      try {
        next(this.#swim, this.#parts.clock.now());
      } catch (error) {
        this.#parts.failed(error);
      }
    }
    this.#isInside = false;
    if (this.#closed) return;
    this.#alarm.set(this.#swim.nextTickAt);
    this.#parts.settled();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#alarm.cancel();
    this.#later.length = 0;
  }

  #ring(): void {
    const { clock } = this.#parts;
    if (this.#swim !== undefined && clock.now() >= this.#swim.nextTickAt) this.enter((swim, now) => swim.tick(now));
    if (clock.now() >= this.#roundAt) {
      this.#roundAt = Infinity;
      this.#parts.round(clock.now());
    }
    if (this.#closed) return;
    this.#alarm.set(Math.min(this.#roundAt, this.#swim?.nextTickAt ?? Infinity));
  }
}
