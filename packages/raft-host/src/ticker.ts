import type { Clock, Timer } from '@quorate/core';

/** Whatever wants to know that time goes on. */
export interface Ticking {
  tick(): void;
}

/** One timer for all that tick at one pace; none while nobody does. */
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
    this.#timer ??= this.#arm();
  }

  delete(ticking: Ticking): void {
    this.#all.delete(ticking);
    if (this.#all.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Set anew after each tick: never more ticks come in a time than fit into it, as leases need. */
  #arm(): Timer {
    return this.#clock.setTimer(this.#tickMs, () => {
      this.#timer = undefined;
      this.#onTicks(() => {
        for (const ticking of this.#all) ticking.tick();
      });
      if (this.#all.size > 0) this.#timer ??= this.#arm();
    });
  }
}
