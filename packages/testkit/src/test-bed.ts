import { type Clock, settleWithin, sleep, type System, withDeadline } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';

import { CountedClock } from './counted-clock.ts';
import { ExpectationError } from './expectations.ts';

/** The longest that one case may take: simulated time, or real time on a real machine. */
const CASE_LIMIT_MS = { simulated: 600_000, real: 25_000 };
const DEFAULT_PATIENCE_MS = 10_000;

/** Where a case runs: machines, and a clock for whoever tests. */
export abstract class TestBed {
  abstract readonly clock: Clock;
  /** The simulated world; undefined on a real machine, where nothing can be crashed or cut off. */
  abstract readonly world: World | undefined;
  /** A machine of this name, running. */
  abstract machine(name: string): Machine;
  /** Runs the body of a case to its end, and time with it. */
  abstract play(body: () => Promise<void>): Promise<void>;

  /** Waits until the condition holds. `what` completes "waited for". */
  async until(what: string, condition: () => boolean, withinMs: number = DEFAULT_PATIENCE_MS): Promise<void> {
    const deadline = this.clock.now() + withinMs;
    while (!condition()) {
      if (this.clock.now() >= deadline) throw new ExpectationError(`waited ${withinMs} ms in vain for: ${what}`);
      await sleep(this.clock, 5);
    }
  }

  /** What the promise settles with, if that is soon enough. */
  soon<T>(what: string, promise: Promise<T>, withinMs: number = DEFAULT_PATIENCE_MS): Promise<T> {
    return settleWithin<T>(undefined, what, (resolve, reject) => {
      const timer = this.clock.setTimer(withinMs, () => {
        reject(new ExpectationError(`${what}: it did not settle within ${withinMs} ms`));
      });
      promise.then(resolve, reject);
      return () => timer.cancel();
    });
  }

  /** Long enough for what ought not to happen to have happened; short on a real machine, where it costs time. */
  quiet(): Promise<void> {
    return this.pass(this.world === undefined ? 150 : 2_000);
  }

  pass(ms: number): Promise<void> {
    return sleep(this.clock, ms);
  }
}

/** A machine of a test bed. Its clock is counted; a restart gives it another. */
export interface Machine {
  readonly name: string;
  /** The host name or IP address that it binds and advertises. */
  readonly address: string;
  /** A port that nobody else uses there, or 0 for any. */
  readonly port: number;
  /** For crashes and faults; undefined on a real machine. */
  readonly host: Host | undefined;
  readonly system: System;
  readonly clock: CountedClock;
}

/** @param system the real machine to run on, as from `nodeSystem()`; undefined: a simulated world */
export function openTestBed(seed: string, system: System | undefined, realLimitMs?: number): TestBed {
  return system === undefined ? new SimulatedBed(seed) : new RealBed(system, realLimitMs);
}

class SimulatedBed extends TestBed {
  readonly world: World;
  readonly clock: Clock;
  readonly #machines = new Map<string, Machine>();

  constructor(seed: string) {
    super();
    this.world = createWorld({ seed });
    this.clock = worldClock(this.world);
  }

  machine(name: string): Machine {
    const known = this.#machines.get(name);
    if (known !== undefined) return known;
    const host = this.world.host(name);
    const made = simulatedMachine(host);
    this.#machines.set(name, made);
    return made;
  }

  play(body: () => Promise<void>): Promise<void> {
    return this.world.settled(body(), CASE_LIMIT_MS.simulated);
  }
}

class RealBed extends TestBed {
  readonly world = undefined;
  readonly clock: Clock;
  readonly #system: System;
  readonly #limitMs: number;

  constructor(system: System, limitMs: number = CASE_LIMIT_MS.real) {
    super();
    this.#system = system;
    this.#limitMs = limitMs;
    this.clock = system.clock;
  }

  machine(name: string): Machine {
    const clock = new CountedClock(this.#system.clock);
    return { name, address: '127.0.0.1', port: 0, host: undefined, system: { ...this.#system, clock }, clock };
  }

  play(body: () => Promise<void>): Promise<void> {
    return withDeadline(this.clock, this.#limitMs, 'this case', body);
  }
}

/** Its system is that of the process which runs now. */
function simulatedMachine(host: Host): Machine {
  let counted: { readonly boot: number; readonly system: System; readonly clock: CountedClock } | undefined;
  const current = () => {
    if (!host.running) host.start(() => undefined);
    if (counted?.boot !== host.boots) {
      const clock = new CountedClock(host.system.clock);
      counted = { boot: host.boots, system: { ...host.system, clock }, clock };
    }
    return counted;
  };
  return {
    name: host.name,
    address: host.address,
    port: 7000,
    host,
    get system() {
      return current().system;
    },
    get clock() {
      return current().clock;
    },
  };
}

/** True time, which no crash, pause or drift touches. */
function worldClock(world: World): Clock {
  return {
    now: () => world.now,
    wallTime: () => world.now,
    setTimer: (delayMs, callback) => {
      const step = world.after(delayMs, callback);
      return { cancel: () => step[Symbol.dispose]() };
    },
    defer: (callback) => void world.after(0, callback),
  };
}
