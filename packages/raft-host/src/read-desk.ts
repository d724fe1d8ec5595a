import { type Clock, ClusterError, type MonotonicMs, settleWithin, throwIfAborted } from '@quorate/core';
import { abortable, traced } from './command-desk.ts';
import type { GroupInstruments } from './group-instruments.ts';
import type { GroupPhase, ReadOptions } from './group-status.ts';
import type { Reads } from './reads.ts';

const DEFAULT_TIMEOUT_MS = 5000;
/** Calls that may wait for the group to run. */
const MAX_EARLY = 65_536;

/** What can be read from, while it runs. */
export interface ReadableGroup {
  readonly callers: { readonly reads: Reads };
  /** Up to where a read by the lease must see the log; undefined where there is no lease to read by. */
  leaseIndex(): number | undefined;
}

interface Early {
  resolve(group: ReadableGroup): void;
  reject(error: ClusterError): void;
}

/** Tells callers when the state machine of this node is as fresh as they want it. */
export class ReadDesk {
  readonly #group: number;
  readonly #clock: Clock;
  readonly #instruments: Pick<GroupInstruments, 'activeSpan'>;
  readonly #running: () => ReadableGroup | undefined;
  readonly #phase: () => GroupPhase;
  readonly #gather: () => void;
  /** Calls that came before the group runs. */
  #early: Set<Early> | undefined;
  /** Why nothing can be read now. */
  #refusal: ClusterError | undefined;

  constructor(parts: {
    readonly group: number;
    readonly clock: Clock;
    readonly instruments: Pick<GroupInstruments, 'activeSpan'>;
    /** Undefined until it runs. */
    readonly running: () => ReadableGroup | undefined;
    readonly phase: () => GroupPhase;
    /** Has the reads of this turn asked for when it is over. */
    readonly gather: () => void;
  }) {
    this.#group = parts.group;
    this.#clock = parts.clock;
    this.#instruments = parts.instruments;
    this.#running = parts.running;
    this.#phase = parts.phase;
    this.#gather = parts.gather;
  }

  /** The group runs: who has waited for it goes on. */
  open(group: ReadableGroup): void {
    for (const early of this.#early ?? []) early.resolve(group);
  }

  /** From here on reads are refused with this; or, with undefined, answered again. */
  refuse(error: ClusterError | undefined): void {
    this.#refusal = error;
    if (error !== undefined) for (const early of this.#early ?? []) early.reject(error);
  }

  /** Whether the machine here is that of a member: before, it is in its first state, which is nobody's. */
  get isOpen(): boolean {
    return this.#running() !== undefined;
  }

  /**
   * Resolves when the group runs here, so that its machine has what this node had stored, whatever that is (a local read
   * follows). It does so too where the group has stopped since.
   * @throws ClusterError as `barrier`, but for `TIMEOUT`; `REFUSED` where this node has no place in the group
   */
  async whenRunning(options: ReadOptions = {}): Promise<void> {
    throwIfAborted(options.signal, 'read');
    if (this.isOpen) return;
    if (this.#refusal !== undefined) throw this.#refusal;
    await this.#whenReady(options);
  }

  /**
   * Resolves when the machine here has all that was committed anywhere before the call (a linearizable read follows).
   * @throws ClusterError `TIMEOUT`, `OVERLOADED`, `ABORTED`, `CLOSED`; `QUORUM_LOST` when the group didn't run in time
   */
  async barrier(options: ReadOptions = {}): Promise<void> {
    const deadline = this.#deadline(options);
    const { callers } = this.#ready(options) ?? (await this.#whenReady(options));
    const span = this.#instruments.activeSpan('read');
    const { carrier } = span;
    const read = callers.reads.barrier(deadline, carrier);
    this.#gather();
    const done = abortable(options.signal, () => read);
    await (carrier === undefined ? done : traced(span, done));
  }

  /**
   * Like `barrier`, but without asking anyone while this node leads and its lease holds.
   * @throws ClusterError as `barrier`
   */
  async leaseBarrier(options: ReadOptions = {}): Promise<void> {
    const index = this.#ready(options)?.leaseIndex();
    if (index === undefined) await this.barrier(options);
    else await this.whenApplied(index, options);
  }

  /**
   * Resolves when the machine here has what was committed anywhere at some moment of the last `maxStalenessMs`, by this
   * node's clock.
   * @throws ClusterError as `barrier`
   */
  async stalenessBarrier(maxStalenessMs: number, options: ReadOptions = {}): Promise<void> {
    if (this.#ready(options)?.callers.reads.isFresh(maxStalenessMs) !== true) await this.barrier(options);
  }

  /**
   * Resolves when the machine here has applied the log up to this index.
   * @throws ClusterError as `barrier`
   */
  async whenApplied(index: number, options: ReadOptions = {}): Promise<void> {
    const deadline = this.#deadline(options);
    const { callers } = this.#ready(options) ?? (await this.#whenReady(options));
    await abortable(options.signal, () => callers.reads.whenApplied(index, deadline));
  }

  #ready({ signal }: ReadOptions): ReadableGroup | undefined {
    throwIfAborted(signal, 'read');
    if (this.#refusal !== undefined) throw this.#refusal;
    return this.#running();
  }

  #whenReady(options: ReadOptions): Promise<ReadableGroup> {
    const waiting = (this.#early ??= new Set());
    if (waiting.size >= MAX_EARLY) {
      return Promise.reject(new ClusterError('OVERLOADED', `group ${this.#group} doesn't run yet, and enough waits`));
    }
    return settleWithin<ReadableGroup>(options.signal, 'read', (resolve, reject) => {
      const early = { resolve, reject };
      waiting.add(early);
      const timer = this.#clock.setTimer(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => reject(this.#late()));
      return () => {
        timer.cancel();
        waiting.delete(early);
      };
    });
  }

  #late(): ClusterError {
    return new ClusterError('QUORUM_LOST', `group ${this.#group} is ${this.#phase()}, and can't be read yet`);
  }

  #deadline({ timeoutMs = DEFAULT_TIMEOUT_MS }: ReadOptions): MonotonicMs {
    return this.#clock.now() + timeoutMs;
  }
}
