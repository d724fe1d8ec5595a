import { type CallOptions, ClusterError, type SnapshotSource, type StateMachine } from '@quorate/core';
import type { CommandOutcome } from './command-outcome.ts';
import { type Applied, type CommittedEntry, EntryRun, type Interruption, type ReplicatedState } from './entry-run.ts';
import { encodeMachineHeader, readMachineHeader } from './machine-header.ts';
import { SessionTable } from './session-table.ts';
import type { CommandPosition } from './skip.ts';
import { SkipSet } from './skip-set.ts';

/** What became of entries that were to be applied. Where it was interrupted the state is undefined: see `reset`. */
export type ApplyResult<R> =
  /** Of each entry, of each of its commands. */
  { readonly kind: 'applied'; readonly outcomes: readonly (readonly CommandOutcome<R>[])[] } | Interruption;

export interface ApplyOptions {
  /** Each command with a call of its own, so that it is known which one the machine fails at. @default false */
  readonly oneByOne?: boolean;
}

interface State<C, R, Q, A> extends ReplicatedState<C, R> {
  readonly machine: StateMachine<C, R, Q, A>;
}

/** The header of a snapshot is handed on in pieces of this size. */
const CHUNK_BYTES: number = 256 * 1024;

/**
 * A state machine with what makes its commands take effect once: sessions, skips, and the time of the log. Deterministic:
 * entries go in, outcomes come out, the same however the entries are cut into calls.
 */
export class ReplicatedMachine<C, R, Q, A> {
  readonly #make: () => StateMachine<C, R, Q, A>;
  #state: State<C, R, Q, A>;
  /** `broken`: the state is undefined, something was begun and interrupted. `rebuilding`: it is of an earlier time. */
  #condition: 'sound' | 'broken' | 'rebuilding' = 'sound';

  /** @param make a machine in its first state, the same at each call and on every node */
  constructor(make: () => StateMachine<C, R, Q, A>) {
    this.#make = make;
    this.#state = firstState(make());
  }

  get codec(): StateMachine<C, R, Q, A>['codec'] {
    return this.#state.machine.codec;
  }

  /** Of the machine's code. */
  get version(): number {
    return this.#state.machine.version;
  }

  get applied(): Applied {
    return this.#state.applied;
  }

  /** Whether the state takes this skip into account, or will when its turn comes. */
  hasSkip(position: CommandPosition): boolean {
    return this.#state.skips.has(position);
  }

  /**
   * Has this command passed over when its turn comes.
   * @throws ClusterError `INVALID_OPTIONS` when its turn is over
   */
  skip(position: CommandPosition): void {
    if (position.index <= this.applied.index) {
      throw new ClusterError('INVALID_OPTIONS', `entry ${position.index} is applied: none of it can be skipped now`);
    }
    this.#state.skips.add(position);
  }

  /**
   * Applies entries, which follow on those applied before. Nothing in them makes it throw.
   * @throws ClusterError `REMOTE` when it was interrupted before
   */
  apply(entries: readonly CommittedEntry[], { oneByOne = false }: ApplyOptions = {}): ApplyResult<R> {
    if (this.#condition === 'broken') throw notNow();
    const condition = this.#condition;
    const run = new EntryRun<C, R>(this.#state, oneByOne);
    const all: CommandOutcome<R>[][] = [];
    this.#condition = 'broken';
    for (const entry of entries) {
      const outcomes: CommandOutcome<R>[] = [];
      all.push(outcomes);
      const interruption = run.apply(entry, outcomes);
      if (interruption !== undefined) return interruption;
    }
    const interruption = run.finish();
    if (interruption !== undefined) return interruption;
    this.#condition = condition;
    return { kind: 'applied', outcomes: all };
  }

  /** @throws ClusterError `REMOTE` until it is rebuilt, after an interruption; what the machine throws */
  query(query: Q): A {
    this.#checkSound();
    return this.#state.machine.query(query);
  }

  /**
   * The state as it is now, for `restore`.
   * @throws ClusterError `REMOTE` until it is rebuilt, after an interruption; what the machine throws
   */
  capture(): SnapshotSource {
    this.#checkSound();
    const { machine, applied, skips, sessions } = this.#state;
    const source = machine.capture();
    const applicable = new SkipSet(skips.positions().filter(({ index }) => index <= applied.index));
    const header = encodeMachineHeader({ ...applied, machineVersion: machine.version, skips: applicable, sessions });
    return { chunks: (options) => chunksOf(header, source, options), release: () => source.release() };
  }

  /**
   * Takes over a state that `capture` gave, on any node. All or nothing. Nothing may be applied meanwhile.
   * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for one of a later release; what the chunks or the machine throw
   */
  async restore(chunks: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      const { header, behind } = await readMachineHeader(iterator);
      const { index, term, time, machineVersion, sessions } = header;
      const machine = this.#condition === 'broken' ? this.#make() : this.#state.machine;
      checkVersion(machineVersion, machine.version);
      await machine.restore(restOf(behind, iterator), { ...options, version: machineVersion });
      // What was to be skipped later still is.
      const later = this.#state.skips.positions().filter((position) => position.index > index);
      const skips = new SkipSet([...header.skips.positions(), ...later]);
      this.#state = { machine, sessions, skips, applied: { index, term, time } };
      if (this.#condition === 'broken') this.#condition = 'sound';
    } finally {
      await iterator.return?.();
    }
  }

  /** Begins again, with a fresh machine and nothing applied. Until `rebuilt`, nobody is shown what it goes through. */
  reset(): void {
    this.#state = firstState(this.#make());
    this.#condition = 'rebuilding';
  }

  /** The state has caught up with what was shown before the `reset`. */
  rebuilt(): void {
    if (this.#condition === 'rebuilding') this.#condition = 'sound';
  }

  #checkSound(): void {
    if (this.#condition !== 'sound') throw notNow();
  }
}

function notNow(): ClusterError {
  return new ClusterError('REMOTE', 'the state machine has failed and is not rebuilt yet');
}

function firstState<C, R, Q, A>(machine: StateMachine<C, R, Q, A>): State<C, R, Q, A> {
  const applied = { index: 0, term: 0, time: 0 };
  return { machine, sessions: new SessionTable(), skips: new SkipSet(), applied };
}

function checkVersion(found: number, known: number): void {
  if (found <= known) return;
  const message = `the snapshot is of version ${found} of the state machine, this node has version ${known}`;
  throw new ClusterError('UNSUPPORTED', message);
}

async function* chunksOf(header: Uint8Array, source: SnapshotSource, options: CallOptions): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < header.length; at += CHUNK_BYTES) yield header.subarray(at, at + CHUNK_BYTES);
  yield* source.chunks(options);
}

/** What is left of chunks whose beginning was read. */
async function* restOf(behind: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (behind.length > 0) yield behind;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}
