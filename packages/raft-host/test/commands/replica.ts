import { type Clock, type ClusterError, encodeBatch, type GroupLog, type Timer } from '@quorate/core';
import { memoryStorage } from '@quorate/memory';
import type { Entry } from '@quorate/raft';
import { createWorld, type World } from '@quorate/simulator';
import { Applier, type SliceOptions } from '../../src/commands/applier.ts';
import type { Halt } from '../../src/commands/entry-feed.ts';
import type { History } from '../../src/commands/replay.ts';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import { encodeSkip } from '../../src/commands/skip.ts';
import { kindOf } from '../../src/wire/entry-kind.ts';
import type { Command } from '../../src/commands/command-batch.ts';
import { batchOf, shown } from './entries.ts';
import { joined, Ledger, type LedgerOptions } from './ledger.ts';

export function commands(index: number, commands: readonly Command[], time = 0): Entry {
  return { index, term: 1, type: 'normal', data: batchOf(commands, time) };
}

export function skip(index: number, of: number, place: number): Entry {
  return { index, term: 1, type: 'normal', data: encodeSkip({ index: of, place }) };
}

/** Its data would be no batch of commands. */
export function change(index: number): Entry {
  return { index, term: 1, type: 'conf-change-v2', data: Uint8Array.of(200, index) };
}

export interface ReplicaOptions extends LedgerOptions {
  readonly slices?: SliceOptions;
  /** By how much the clock goes on with each command that the machine applies. */
  readonly msPerCommand?: number;
}

/** A log, a ledger, and what comes between them. */
export class Replica {
  readonly world: World;
  readonly clock: WorkClock;
  readonly log: GroupLog;
  readonly machine: ReplicatedMachine<string, string, 'lines' | 'count', string>;
  readonly applier: Applier<string>;
  /** Of each entry, in the order of telling: its index, then what became of its commands. */
  readonly told: (readonly [number, ...string[]])[] = [];
  /** As told. */
  readonly shown: number[] = [];
  readonly halts: (Halt | undefined)[] = [];
  readonly failures: ClusterError[] = [];
  /** Machines made. */
  made = 0;
  /** States that machines took over. */
  restored = 0;
  /** What the applier reads of the log and its snapshot comes only after this. */
  gate: Promise<void> = Promise.resolve();
  /** Portions that are settled. */
  settled = 0;
  /** Called with each entry that is told of. */
  onTold: (index: number) => void = () => undefined;
  /** Called when the machine goes on after a halt. */
  onGoingOn: () => void = () => undefined;

  readonly #options: ReplicaOptions;

  private constructor(world: World, log: GroupLog, clock: WorkClock, options: ReplicaOptions) {
    this.#options = options;
    this.world = world;
    this.log = log;
    this.clock = clock;
    this.machine = new ReplicatedMachine(() => this.#make(options));
    this.applier = new Applier(this.machine, {
      clock,
      log: this.#gated(),
      ...(options.slices && { slices: options.slices }),
      hooks: {
        entryApplied: (index, _term, outcomes) => {
          this.told.push([index, ...outcomes.map(shown)]);
          this.onTold(index);
        },
        shows: (index) => this.shown.push(index),
        halted: (halt) => {
          this.halts.push(halt);
          if (halt === undefined) this.onGoingOn();
        },
        failed: (error) => this.failures.push(error),
      },
    });
  }

  static async open(options: ReplicaOptions = {}): Promise<Replica> {
    const world = createWorld({ seed: 1 });
    const host = world.host('a');
    host.start(() => undefined);
    await world.run(1);
    const storage = memoryStorage().create({ ...host.system, nodeId: 'a' });
    await storage.open();
    if (storage.log === undefined) throw new Error('a storage without logs');
    await storage.log.open();
    return new Replica(world, storage.log.group(1), new WorkClock(host.system.clock), options);
  }

  /** What another process makes of the same log, before anything is handed to it. */
  async restarted(): Promise<Replica> {
    this.applier.end();
    const next = new Replica(this.world, this.log, this.clock, this.#options);
    await this.world.settled(next.applier.restore(), 1000);
    return next;
  }

  /** Entries are in the log, and committed: handed over in portions, each at once or after `run`. */
  async commit(...portions: readonly (readonly Entry[])[]): Promise<void> {
    await this.write(portions.flat());
    for (const entries of portions) this.hand(entries);
  }

  async write(entries: readonly Entry[]): Promise<void> {
    const batches = entries.map(({ index, term, type, data }) =>
      encodeBatch([{ index, term, kind: kindOf(type), data }]),
    );
    await this.world.settled(this.log.append(batches), 1000);
  }

  hand(entries: readonly Entry[]): void {
    this.applier.apply(entries, () => (this.settled += 1));
  }

  /** Until there is nothing left to do. */
  async run(): Promise<void> {
    await this.world.run(100);
  }

  async content(): Promise<Uint8Array> {
    return joined(this.machine.capture().chunks({}));
  }

  /** Keeps the state as a snapshot, and cuts the log there. */
  async snapshot(): Promise<void> {
    const { index, term } = this.machine.applied;
    await this.install(index, term, await this.content());
  }

  /** Puts a snapshot into the log, as one that came from another node. */
  async install(index: number, term: number, content: Uint8Array): Promise<void> {
    const metadata = new Uint8Array();
    await this.world.settled(this.log.saveSnapshot({ index, term, metadata }, once(content)), 1000);
    await this.world.settled(this.log.truncatePrefix(index, term), 1000);
  }

  #gated(): History {
    const { log } = this;
    const newest = () => log.snapshot;
    const gated = async <T>(read: () => Promise<T>) => {
      await this.gate;
      return read();
    };
    return {
      get snapshot() {
        return newest();
      },
      read: (from, maxBytes) => gated(() => log.read(from, maxBytes)),
      readSnapshot: (info, offset, maxBytes) => gated(() => log.readSnapshot(info, offset, maxBytes)),
    };
  }

  #make({ msPerCommand = 0, ...options }: ReplicaOptions): Ledger {
    this.made += 1;
    const ledger = new Ledger(options);
    const apply = ledger.apply.bind(ledger);
    const restore = ledger.restore.bind(ledger);
    return Object.assign(ledger, {
      restore: (chunks: AsyncIterable<Uint8Array>) => {
        this.restored += 1;
        return restore(chunks);
      },
      apply: (batch: Parameters<Ledger['apply']>[0]) => {
        this.clock.workedMs += msPerCommand * batch.length;
        return apply(batch);
      },
    });
  }
}

/** A clock that work moves on. */
class WorkClock implements Clock {
  readonly #clock: Clock;
  workedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.workedMs;
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, callback);
  }

  defer(callback: () => void): void {
    this.#clock.defer(callback);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
