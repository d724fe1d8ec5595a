import { checkOptions, ClusterError, type Logger, type OptionRules, rule, type System } from '@quorate/core';
import { systemCrypto } from '@quorate/core/node';

import { HostTime, ProcessClock } from './host-clock.ts';
import { type DiskOptions, diskRules, type HostDisk, SimulatedDisk } from './host-disk.ts';
import { SimulatedProcess } from './process.ts';
import { ProcessDisk } from './process-disk.ts';
import { seededRandom } from './seeded-random.ts';
import type { Surroundings } from './surroundings.ts';

/** A program: it is handed its machine, and lives until the host crashes. What it throws ends the run. */
export type Main = (system: System) => void | Promise<void>;

/** What a host is like. */
export interface HostOptions {
  /**
   * What its clock shows when the world begins.
   * @default drawn from the seed, so that no two hosts agree by accident
   */
  readonly offsetMs?: number;
  /**
   * How much faster than true time its clock runs, as a fraction: 0.001 gains a millisecond a second.
   * @default 0
   */
  readonly drift?: number;
  /** How fast its disk is. */
  readonly disk?: DiskOptions;
}

const hostRules: OptionRules<HostOptions> = {
  offsetMs: rule.duration(),
  drift: rule.number({ min: -0.5, max: 1 }),
  disk: rule.group('host disk', diskRules),
};

/** How a host crashes. */
export interface CrashOptions {
  /**
   * The machine loses power, so that nobody is told: connections to it hang until they time out. Otherwise only its
   * process dies, and its kernel resets them.
   * @default false
   */
  readonly powerLoss?: boolean;
}

/** A machine that runs one process at a time. */
export interface Host {
  readonly name: string;
  /** Its IP address; other hosts reach it by name too. */
  readonly address: string;
  /** Whether a process lives, be it paused. */
  readonly running: boolean;
  readonly paused: boolean;
  /** How often it was started. */
  readonly boots: number;
  /** Its clock now, whether or not a process runs. */
  readonly now: number;
  drift: number;
  /** It outlives the processes, apart from what they didn't sync. */
  readonly disk: HostDisk;
  /**
   * What the living process was given, for tests that look into it.
   * @throws Error when none lives
   */
  readonly system: System;
  /** Starts a process, in an event of its own. Its clock and disk are those of the process before. */
  start(main: Main): void;
  /** Kills the process: nothing of it runs again. What it had not synced may be lost, or torn. */
  crash(options?: CrashOptions): void;
  /** Crashes it if it runs, and starts the same program again. */
  restart(): void;
  /** Stops the process as SIGSTOP does. Its clock goes on and its kernel still accepts. */
  pause(): void;
  /** Runs what became due meanwhile, in order. */
  resume(): void;
  /** Pauses for so long: an event loop that is blocked. */
  stall(ms: number): void;
  /** Crashes it in the middle of the n-th disk operation from now, counted from 1: for tests of every step. */
  crashAtDiskOperation(n: number): void;
}

export class SimulatedHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly disk: SimulatedDisk;
  readonly #world: Surroundings;
  readonly #time: HostTime;
  #process: SimulatedProcess | undefined;
  #clock: ProcessClock | undefined;
  #system: System | undefined;
  #main: Main | undefined;
  #boots = 0;
  #powered = true;

  constructor(world: Surroundings, name: string, address: string, given: HostOptions) {
    const options = checkOptions('host', hostRules, given);
    this.#world = world;
    this.name = name;
    this.address = address;
    const offsetMs = options.offsetMs ?? seededRandom(world.engine.seed, `clock of ${name}`).int(1e9) / 1000;
    this.disk = new SimulatedDisk(world.engine, name, options.disk ?? {});
    this.#time = new HostTime(world.engine, offsetMs, options.drift ?? 0);
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  get paused(): boolean {
    return this.#process?.paused ?? false;
  }

  get boots(): number {
    return this.#boots;
  }

  /** The living process, for the kernel's side of things. */
  get process(): SimulatedProcess | undefined {
    return this.#process;
  }

  /** Whether its kernel answers. */
  get powered(): boolean {
    return this.#powered;
  }

  get now(): number {
    return this.#time.now();
  }

  get drift(): number {
    return this.#time.drift;
  }

  set drift(drift: number) {
    this.#say(`drift ${drift}`);
    this.#time.drift = drift;
    this.#clock?.rearm();
  }

  get system(): System {
    if (this.#system === undefined) throw new Error(`host ${this.name} runs no process`);
    return this.#system;
  }

  start(main: Main): void {
    if (this.running) throw new Error(`host ${this.name} already runs a process: crash it first`);
    this.#boots += 1;
    this.#say(`start ${this.#boots}`);
    this.#main = main;
    this.#powered = true;
    const process = new SimulatedProcess(this.#boots);
    this.#process = process;
    this.#clock = new ProcessClock(this.#world.engine, this.#time, process);
    this.#system = this.#boot(process, this.#clock);
    this.#run(process, main, this.#system);
  }

  crash({ powerLoss = false }: CrashOptions = {}): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#say(powerLoss ? 'loses power' : 'crash');
    process.kill();
    this.#process = undefined;
    this.#clock = undefined;
    this.#system = undefined;
    this.#powered = !powerLoss;
    this.disk.crash();
    this.#world.crashed(this);
  }

  restart(): void {
    const main = this.#main;
    if (main === undefined) throw new Error(`host ${this.name} was never started`);
    this.crash();
    this.start(main);
  }

  pause(): void {
    if (this.#process === undefined || this.#process.paused) return;
    this.#say('pause');
    this.#process.pause();
  }

  resume(): void {
    const process = this.#process;
    if (process === undefined || !process.paused) return;
    this.#say('resume');
    const { engine } = this.#world;
    for (const run of process.resume()) engine.enterAt(engine.now, process, run);
  }

  stall(ms: number): void {
    const process = this.#process;
    this.pause();
    this.#world.engine.at(this.#world.engine.now + ms, () => {
      if (process === this.#process) this.resume();
    });
  }

  crashAtDiskOperation(n: number): void {
    this.disk.crashAt(n, () => this.crash());
  }

  #boot(process: SimulatedProcess, clock: ProcessClock): System {
    const { engine } = this.#world;
    return {
      clock,
      random: seededRandom(engine.seed, `${this.name} ${process.boot}`),
      net: this.#world.net(this, process),
      disk: new ProcessDisk(engine, this.disk, process),
      crypto: systemCrypto,
      logger: this.#logger(process),
    };
  }

  #run(process: SimulatedProcess, main: Main, system: System): void {
    const { engine } = this.#world;
    engine.enterAt(engine.now, process, () => {
      Promise.resolve(main(system)).catch((error: unknown) => {
        if (process.alive) engine.fail(error);
      });
    });
  }

  #logger(process: SimulatedProcess): Logger {
    const at =
      (level: string) =>
      (message: string, ...details: unknown[]) => {
        if (process.alive) this.#say(`${level}: ${[message, ...details.map(describe)].join(' ')}`);
      };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  #say(text: string): void {
    this.#world.engine.trace.say(this.#world.engine.now, `${this.name} ${text}`);
  }
}

function describe(detail: unknown): string {
  if (detail instanceof ClusterError) return `${detail.code} ${detail.message}`;
  if (detail instanceof Error) return detail.message;
  if (typeof detail !== 'object' || detail === null) return String(detail);
  return JSON.stringify(detail, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
