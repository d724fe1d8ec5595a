import { checkOptions, ClusterError, type OptionRules, type Random, rule } from '@quorate/core';

import type { Engine } from './engine.ts';
import { NameSpace } from './name-space.ts';
import type { SimulatedProcess } from './process.ts';
import { seededRandom } from './seeded-random.ts';

/** How fast a disk is. Each operation takes between half and one and a half of these. */
export interface DiskOptions {
  /**
   * Every operation but a sync.
   * @default 0.1
   */
  readonly latencyMs?: number;
  /**
   * A sync of a file or directory.
   * @default 1
   */
  readonly syncMs?: number;
}

/** What goes wrong, from now until `recover`. */
export interface DiskFaults {
  /** Syncs fail, and what they were to make durable is kept, lost or torn. */
  readonly sync?: boolean;
  /** Whatever needs space fails. */
  readonly full?: boolean;
  /** Reads fail. */
  readonly read?: boolean;
  /** Every operation takes so much longer. */
  readonly stallMs?: number;
}

/** The disk of a host, from the outside: how a test looks into it and breaks it. */
export interface HostDisk {
  /** Operations so far: opens, reads, writes, syncs and the like. */
  readonly operations: number;
  /** Paths of all files, in order. */
  readonly files: readonly string[];
  /** What programs see of a file now. */
  read(path: string): Uint8Array | undefined;
  /** What is left of a file, under this name, if all that is not synced is lost. */
  readDurable(path: string): Uint8Array | undefined;
  /** Breaks it; faults named before stay. */
  fail(faults: DiskFaults): void;
  recover(): void;
  /** Turns one bit over, on the disk itself. */
  flipBit(path: string, offset: number, bit?: number): void;
}

export const diskRules: OptionRules<DiskOptions> = {
  latencyMs: rule.duration({ min: 0, max: 60_000 }),
  syncMs: rule.duration({ min: 0, max: 60_000 }),
};

const faultRules: OptionRules<DiskFaults> = {
  sync: rule.flag(),
  full: rule.flag(),
  read: rule.flag(),
  stallMs: rule.duration({ min: 0, max: 3_600_000 }),
};

export type Operation = 'open' | 'create' | 'read' | 'write' | 'sync' | 'rename' | 'remove' | 'list' | 'lock';

/** The disk itself: names, files, locks, and what is wrong with it. It outlives processes. */
export class SimulatedDisk implements HostDisk {
  readonly names: NameSpace = new NameSpace();
  readonly random: Random;
  readonly #engine: Engine;
  readonly #host: string;
  readonly #options: Required<DiskOptions>;
  readonly #locks = new Map<string, SimulatedProcess>();
  #faults: DiskFaults = {};
  #operations = 0;
  #crashAt: { readonly operation: number; readonly crash: () => void } | undefined;

  constructor(engine: Engine, host: string, options: DiskOptions) {
    this.#engine = engine;
    this.#host = host;
    this.#options = { latencyMs: 0.1, syncMs: 1, ...options };
    this.random = seededRandom(engine.seed, `disk of ${host}`);
  }

  get operations(): number {
    return this.#operations;
  }

  get files(): readonly string[] {
    return this.names.paths;
  }

  read(path: string): Uint8Array | undefined {
    const entry = this.names.get(path);
    return entry === 'directory' ? undefined : entry?.bytes;
  }

  readDurable(path: string): Uint8Array | undefined {
    const entry = this.names.getDurable(path);
    return entry === 'directory' ? undefined : entry?.durableBytes;
  }

  fail(faults: DiskFaults): void {
    this.#say(`fails ${JSON.stringify(faults)}`);
    this.#faults = { ...this.#faults, ...checkOptions('disk.fail', faultRules, faults) };
  }

  recover(): void {
    this.#say('recovers');
    this.#faults = {};
  }

  flipBit(path: string, offset: number, bit = 0): void {
    this.#say(`flips bit ${bit} of byte ${offset} of ${path}`);
    const entry = this.names.get(path);
    if (entry === undefined || entry === 'directory') throw new Error(`host ${this.#host} has no file ${path}`);
    if (offset >= entry.size) throw new Error(`${path} has ${entry.size} bytes, none at ${offset}`);
    entry.flip(offset, bit);
  }

  /** Calls `crash` in the middle of the n-th operation from now. */
  crashAt(n: number, crash: () => void): void {
    this.#crashAt = { operation: this.#operations + n, crash };
  }

  /** An operation begins: tells how long it takes. */
  begin(operation: Operation, path: string): number {
    this.#operations += 1;
    this.#say(`${operation} ${path}`);
    const base = operation === 'sync' ? this.#options.syncMs : this.#options.latencyMs;
    return base * (0.5 + this.random.next()) + (this.#faults.stallMs ?? 0);
  }

  /** An operation has had what effect it has before it is over: the moment of a planned crash. */
  midway(): void {
    const plan = this.#crashAt;
    if (plan === undefined || this.#operations < plan.operation) return;
    this.#crashAt = undefined;
    plan.crash();
  }

  /** @throws ClusterError `IO` when a fault says so */
  check(operation: Operation, path: string): void {
    const { sync, full, read } = this.#faults;
    if (operation === 'sync' && sync === true) throw new ClusterError('IO', `sync ${path}: input/output error`);
    if (operation === 'read' && read === true) throw new ClusterError('IO', `read ${path}: input/output error`);
    const needsSpace = operation === 'write' || operation === 'create';
    if (needsSpace && full === true) throw new ClusterError('IO', `${operation} ${path}: no space left on device`);
  }

  /** @throws ClusterError `LOCKED` */
  lock(path: string, process: SimulatedProcess): void {
    if (this.#locks.get(path)?.alive === true) throw new ClusterError('LOCKED', `${path} is locked`);
    this.#locks.set(path, process);
  }

  unlock(path: string, process: SimulatedProcess): void {
    if (this.#locks.get(path) === process) this.#locks.delete(path);
  }

  /** The machine has crashed: what was not synced is lost, kept or torn. */
  crash(): void {
    this.#crashAt = undefined;
    this.names.crash(this.random);
  }

  #say(text: string): void {
    this.#engine.trace.say(this.#engine.now, `${this.#host} disk ${text}`);
  }
}
