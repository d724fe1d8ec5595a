import type { Clock, Random, System, Timer } from '../src/index.ts';
import { silentLogger } from '../src/index.ts';

interface Due {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Due>();

  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const due = { at: this.#now + delayMs, callback };
    this.#timers.add(due);
    return { cancel: () => void this.#timers.delete(due) };
  }

  defer(callback: () => void): void {
    this.setTimer(0, callback);
  }

  /** Fires what is due on the way, in order, with all the promises that follow from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #first(end: number): Due | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** One turn of the event loop: what a fake disk takes. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Lets every promise that can go on do so, those that wait for a fake disk too. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await turn();
}

/** Always the middle of every range. */
export const middle: Random = {
  next: () => 0.5,
  int: (bound) => Math.floor(bound / 2),
  bytes: (length) => new Uint8Array(length).fill(7),
};

/** A machine without network and disk: what touches them fails the test. */
export function manualSystem(clock: Clock = new ManualClock()): System {
  const absent = new Proxy(
    {},
    { get: (_, name) => () => Promise.reject(new Error(`${String(name)} was not expected`)) },
  );
  return {
    clock,
    random: middle,
    net: absent as System['net'],
    disk: absent as System['disk'],
    crypto: absent as System['crypto'],
    logger: silentLogger,
  };
}
