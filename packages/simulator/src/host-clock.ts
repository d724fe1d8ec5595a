import type { Clock, Timer } from '@quorate/core';

import type { Engine } from './engine.ts';
import type { Scheduled } from './event-queue.ts';
import type { SimulatedProcess } from './process.ts';

const MICROSECOND = 0.001;
/** Where wall time begins in every world: 2025-01-01T00:00:00Z. */
const WALL_EPOCH = 1_735_689_600_000;

/** The clock of a machine: it has an origin of its own and runs a little faster or slower than true time. */
export class HostTime {
  readonly #engine: Engine;
  /** Its reading at `#since`. */
  #reading: number;
  #since = 0;
  #drift: number;

  constructor(engine: Engine, offsetMs: number, drift: number) {
    this.#engine = engine;
    this.#reading = offsetMs;
    this.#drift = drift;
    this.#since = engine.now;
  }

  get drift(): number {
    return this.#drift;
  }

  set drift(drift: number) {
    this.#reading = this.now();
    this.#since = this.#engine.now;
    this.#drift = drift;
  }

  now(): number {
    return this.#at(this.#engine.now);
  }

  /** The first microsecond of true time at which this clock will show at least `reading`, if its drift stays. */
  trueTimeAt(reading: number): number {
    const time = this.#engine.quantize(this.#since + (reading - this.#reading) / (1 + this.#drift));
    // Rounding must not make a timer early: whoever sets the rest of it again would do so for ever.
    return this.#at(time) < reading ? time + MICROSECOND : time;
  }

  #at(trueTime: number): number {
    return this.#reading + (trueTime - this.#since) * (1 + this.#drift);
  }
}

/** The clock that one process has of it: its timers and deferred calls end with the process. */
export class ProcessClock implements Clock {
  readonly #engine: Engine;
  readonly #time: HostTime;
  readonly #process: SimulatedProcess;
  readonly #timers = new Set<PendingTimer>();

  constructor(engine: Engine, time: HostTime, process: SimulatedProcess) {
    this.#engine = engine;
    this.#time = time;
    this.#process = process;
  }

  /** Whose it is. */
  get process(): SimulatedProcess {
    return this.#process;
  }

  now(): number {
    return this.#time.now();
  }

  wallTime(): number {
    return wallTimeAt(this.#engine.now);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { due: this.now() + Math.max(0, delayMs), callback, event: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return { cancel: () => this.#cancel(timer) };
  }

  defer(callback: () => void): void {
    this.#engine.enterAt(this.#engine.now, this.#process, callback);
  }

  /** To be called when the rate of the clock has changed. */
  rearm(): void {
    for (const timer of this.#timers) {
      if (timer.event !== undefined) this.#engine.cancel(timer.event);
      this.#arm(timer);
    }
  }

  #arm(timer: PendingTimer): void {
    timer.event = this.#engine.at(this.#time.trueTimeAt(timer.due), () => {
      timer.event = undefined;
      this.#engine.enter(this.#process, () => this.#fire(timer));
    });
  }

  #fire(timer: PendingTimer): void {
    // Cancelled while the process was paused.
    if (!this.#timers.delete(timer)) return;
    timer.callback();
  }

  #cancel(timer: PendingTimer): void {
    if (!this.#timers.delete(timer)) return;
    if (timer.event !== undefined) this.#engine.cancel(timer.event);
  }
}

interface PendingTimer {
  readonly due: number;
  readonly callback: () => void;
  /** Undefined once it is due. */
  event: Scheduled | undefined;
}

/** What clocks on walls show at this time of the world. */
export function wallTimeAt(now: number): number {
  return Math.floor(WALL_EPOCH + now);
}
