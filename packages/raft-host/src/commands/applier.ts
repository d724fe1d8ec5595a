import { checkOptions, type Clock, ClusterError, type OptionRules, rule, toClusterError } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { type AppliedMachine, EntryFeed, type EntryListener, type Halt } from './entry-feed.ts';
import type { Interruption } from './entry-run.ts';
import { type History, replay, takeSnapshot } from './replay.ts';

/** How much is applied before others have their turn. */
export interface SliceOptions {
  /** Commands handed to the machine with one call; an entry is never cut. @default 1024 */
  readonly maxCommands?: number;
  /** Milliseconds after which what is left waits for the next turn of the event loop. @default 5 */
  readonly maxMs?: number;
}

/** Whom an applier tells of what becomes of entries. */
export interface ApplierHooks<R> extends EntryListener<R> {
  /**
   * An entry is applied. Once each, in order; but while the machine is halted, changes of the configuration, which are no
   * matter of the machine's, are told as they come.
   */
  entryApplied: EntryListener<R>['entryApplied'];
  /** All up to here is applied, and that is the state that the machine shows. */
  shows(index: number): void;
  /** The machine has stopped there; or, without a place, goes on. */
  halted(halt: Halt | undefined): void;
  /** The log can't be read, or no machine be made of it: nothing is applied any more. */
  failed(error: ClusterError): void;
}

/** What an applier needs of its surroundings. */
export interface ApplierParts<R> {
  readonly clock: Clock;
  readonly log: History;
  readonly hooks: ApplierHooks<R>;
  readonly slices?: SliceOptions;
}

/** Entries that were handed over together. */
interface Portion {
  readonly entries: readonly Entry[];
  /** Where in them the next slice begins. */
  next: number;
  settled(): void;
}

/** Here the machine is to become what the newest snapshot says. */
interface Restore {
  readonly entries: undefined;
  readonly index: number;
  resolve(): void;
  reject(error: ClusterError): void;
}

const DEFAULTS: Required<SliceOptions> = { maxCommands: 1024, maxMs: 5 };

const sliceRules: OptionRules<SliceOptions> = {
  maxCommands: rule.integer({ min: 1 }),
  maxMs: rule.duration({ min: 0 }),
};

/**
 * Applies what is committed, in order, in slices. What is handed over while nothing waits is applied at once, before the
 * call returns.
 *
 * When the machine fails, it is rebuilt from the newest snapshot, and the commands that it may have failed at are applied
 * one by one. Where one fails again, the machine is halted. What is committed from then on is looked through for a skip of
 * that command; with it the machine is rebuilt without the command, and goes on. Which replicas do what with a skip, and
 * why they stay the same, is written in decision 10.
 */
export class Applier<R> {
  readonly #machine: AppliedMachine<R>;
  readonly #feed: EntryFeed<R>;
  readonly #parts: ApplierParts<R>;
  readonly #maxMs: number;
  readonly #ending = new AbortController();
  #mode: 'live' | 'recovering' | 'halted' | 'ended' = 'live';
  /** What was handed over and is still to be applied. Empty while the machine is halted. */
  #queue: (Portion | Restore)[] = [];
  /** Whose turn has come. */
  #restores: Restore[] = [];
  /** The last entry before those in the queue. */
  #passed: number;
  /** As told last. */
  #shown: number;
  /** The state is not to be built on. */
  #mustReset = false;
  #isDraining = false;
  #isDeferred = false;
  /** When others had their turn last. */
  #began = 0;
  #halt: Halt | undefined;

  /**
   * @param machine that nobody else applies to
   * @throws ClusterError `INVALID_OPTIONS`
   */
  constructor(machine: AppliedMachine<R>, parts: ApplierParts<R>) {
    const { maxCommands, maxMs } = { ...DEFAULTS, ...checkOptions('slices', sliceRules, parts.slices ?? {}) };
    this.#machine = machine;
    this.#parts = parts;
    this.#maxMs = maxMs;
    this.#feed = new EntryFeed(machine, maxCommands, parts.hooks);
    this.#passed = machine.applied.index;
    this.#shown = machine.applied.index;
  }

  /** The last entry whose outcomes were told, or that a snapshot has stepped over. */
  get applied(): number {
    return this.#feed.told;
  }

  /** What the machine shows: the last entry whose effect can be seen. */
  get shown(): number {
    return this.#shown;
  }

  /** Of the log there, in milliseconds. Never decreases. */
  get time(): number {
    return this.#feed.time;
  }

  /** Where the machine has stopped, while it does. */
  get halt(): Halt | undefined {
    return this.#halt;
  }

  /**
   * Takes over committed entries, which follow on those before.
   * @param settled called when they need not be kept for it any more: applied, or while it is halted looked through
   */
  apply(entries: readonly Entry[], settled: () => void): void {
    this.#take({ entries, next: 0, settled });
  }

  /**
   * Makes the machine what the newest snapshot says, after what was handed over before.
   * @throws ClusterError what prevents it: then nothing is applied any more
   */
  restore(): Promise<void> {
    const { snapshot } = this.#parts.log;
    if (snapshot === undefined) return Promise.resolve();
    const { index } = snapshot;
    return new Promise((resolve, reject) => this.#take({ entries: undefined, index, resolve, reject }));
  }

  /** Nothing is applied or told from here on. */
  end(): void {
    if (this.#mode === 'ended') return;
    this.#end(new ClusterError('CLOSED', 'nothing is applied any more'));
  }

  #take(step: Portion | Restore): void {
    if (this.#mode === 'ended') {
      if (step.entries === undefined) step.reject(new ClusterError('CLOSED', 'nothing is applied any more'));
      return;
    }
    this.#queue.push(step);
    if (this.#mode === 'live' && !this.#isDeferred) this.#drain();
    else if (this.#mode === 'halted') this.#passQueue();
  }

  /** Applies what waits, for as long as it may take. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      this.#began = this.#parts.clock.now();
      while (this.#mode === 'live' && this.#queue.length > 0) {
        this.#step();
        if (this.#isLate()) break;
      }
    } finally {
      this.#isDraining = false;
    }
    if (this.#mode === 'live' && this.#queue.length > 0) this.#defer();
  }

  #defer(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#parts.clock.defer(() => {
      this.#isDeferred = false;
      if (this.#mode === 'live') this.#drain();
    });
  }

  #isLate(): boolean {
    return this.#parts.clock.now() - this.#began >= this.#maxMs;
  }

  #step(): void {
    const [step] = this.#queue;
    if (step === undefined) return;
    if (step.entries === undefined) {
      this.#beginRestore(step);
      return;
    }
    const end = this.#feed.apply(step.entries, step.next);
    if (typeof end !== 'number') {
      this.#interrupted(end);
      return;
    }
    if (this.#isOver) return;
    this.#advance(step, end);
    this.#show();
    if (end === step.entries.length) this.#settle(step);
  }

  #advance(portion: Portion, end: number): void {
    portion.next = end;
    this.#passed = portion.entries[end - 1]?.index ?? this.#passed;
  }

  #settle(portion: Portion): void {
    if (this.#isOver) return;
    this.#queue.shift();
    portion.settled();
  }

  #show(): void {
    if (this.#isOver || this.#feed.told === this.#shown) return;
    this.#shown = this.#feed.told;
    this.#parts.hooks.shows(this.#shown);
  }

  #beginRestore(restore: Restore): void {
    this.#queue.shift();
    this.#restores.push(restore);
    this.#recover();
  }

  #interrupted(interruption: Interruption): void {
    this.#mustReset = true;
    const halt = this.#feed.judge(interruption);
    if (halt === 'again') this.#recover();
    else this.#haltAt(halt);
  }

  #haltAt(halt: Halt): void {
    this.#mode = 'halted';
    this.#mustReset = true;
    this.#halt = halt;
    this.#passQueue();
    if (this.#mode === 'halted' && this.#halt === halt) this.#parts.hooks.halted(halt);
  }

  /** Looks through what waits, for what lets the machine go on. */
  #passQueue(): void {
    for (let [step] = this.#queue; step !== undefined && this.#mode === 'halted'; [step] = this.#queue) {
      if (step.entries === undefined) {
        this.#beginRestore(step);
        return;
      }
      this.#feed.passBy(step.entries, step.next);
      if (this.#isOver) return;
      this.#advance(step, step.entries.length);
      this.#settle(step);
    }
    if (this.#mode === 'halted' && this.#halt !== undefined && this.#feed.isSkipped(this.#halt)) this.#recover();
  }

  #recover(): void {
    this.#mode = 'recovering';
    this.#rebuild().catch((error: unknown) => this.#fail(error));
  }

  async #rebuild(): Promise<void> {
    for (let verdict: Halt | 'again' = 'again'; verdict === 'again';) {
      if (this.#mustReset) this.#machine.reset();
      await takeSnapshot(this.#machine, this.#parts.log, this.#ending.signal);
      const stop = this.#restored() ?? (await this.#replay());
      if (this.#isOver) return;
      if (stop === undefined) {
        this.#goLive();
        return;
      }
      this.#mustReset = true;
      verdict = 'kind' in stop ? this.#feed.judge(stop) : stop;
      if (verdict !== 'again') this.#haltAt(verdict);
    }
  }

  /** The machine is what a snapshot says. */
  #restored(): Halt | undefined {
    const halt = this.#feed.restored();
    const { index } = this.#machine.applied;
    const done = this.#restores.filter((restore) => restore.index <= index);
    this.#restores = this.#restores.filter((restore) => restore.index > index);
    for (const restore of done) restore.resolve();
    return halt;
  }

  #replay(): Promise<Interruption | Halt | undefined> {
    this.#began = this.#parts.clock.now();
    return replay(this.#feed, this.#machine, this.#parts.log, {
      through: this.#passed,
      signal: this.#ending.signal,
      rest: () => this.#rest(),
    });
  }

  /** Lets others have their turn, when that is due. Whether to go on then. */
  async #rest(): Promise<boolean> {
    if (this.#isLate()) {
      await new Promise<void>((resolve) => this.#parts.clock.defer(resolve));
      this.#began = this.#parts.clock.now();
    }
    return !this.#isOver;
  }

  #goLive(): void {
    this.#mode = 'live';
    this.#mustReset = false;
    this.#machine.rebuilt();
    const wasHalted = this.#halt !== undefined;
    this.#halt = undefined;
    if (wasHalted) this.#parts.hooks.halted(undefined);
    this.#show();
    this.#drain();
  }

  get #isOver(): boolean {
    return this.#mode === 'ended';
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return;
    const error = toClusterError(cause, 'IO', 'rebuild the state machine');
    // Whoever waits for a restore is told by that.
    if (!this.#end(error)) this.#parts.hooks.failed(error);
  }

  /** Whether anybody was waiting for a restore. */
  #end(error: ClusterError): boolean {
    this.#mode = 'ended';
    this.#feed.end();
    this.#ending.abort(error);
    const restores = [...this.#restores, ...this.#queue.filter((step) => step.entries === undefined)];
    this.#restores = [];
    this.#queue = [];
    for (const restore of restores) restore.reject(error);
    return restores.length > 0;
  }
}
