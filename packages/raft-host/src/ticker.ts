import type { Clock, MonotonicMs, Timer } from '@quorate/core';

/** Whatever wants to know that time goes on. */
export interface Ticking {
  tick(): void;
}

/**
 * How much of their lateness ticks make up for, in ticks. Leases are shorter by as much (see `coreConfig`): so many more
 * ticks may come in a time than fit into it.
 */
export const CATCH_UP_TICKS = 1;

/**
 * One timer for all that tick at one pace; none while nobody does.
 *
 * Ticks keep to a schedule: each is due one pace after the last was *due*, not after it came. Timers are late, by up to a
 * millisecond always and by more under load, and where that added up, an election time of many short ticks would last half
 * as long again. But no more than `CATCH_UP_TICKS` are made up for, one at a time: a process that stood still has not heard
 * its leader, whatever the clock says, and what came for it meanwhile is to be read before it may think the leader gone.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onTicks: (act: () => void) => void;
  readonly #all = new Set<Ticking>();
  #timer: Timer | undefined;

  /** @param onTicks runs the ticks of one moment together */
  constructor(clock: Clock, tickMs: number, onTicks: (act: () => void) => void) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#onTicks = onTicks;
  }

  add(ticking: Ticking): void {
    this.#all.add(ticking);
    this.#timer ??= this.#arm(this.#clock.now() + this.#tickMs);
  }

  delete(ticking: Ticking): void {
    this.#all.delete(ticking);
    if (this.#all.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(dueAt: MonotonicMs): Timer {
    return this.#clock.setTimer(Math.max(0, dueAt - this.#clock.now()), () => this.#fire(dueAt));
  }

  #fire(dueAt: MonotonicMs): void {
    this.#timer = undefined;
    const counted = Math.max(dueAt, this.#clock.now() - CATCH_UP_TICKS * this.#tickMs);
    this.#onTicks(() => {
      for (const ticking of this.#all) ticking.tick();
    });
    if (this.#all.size > 0) this.#timer ??= this.#arm(counted + this.#tickMs);
  }
}
