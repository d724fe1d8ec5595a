import type { CallOptions } from './call-options.ts';

/** A command whose place in the order is final. */
export interface CommittedCommand<C> {
  readonly index: number;
  readonly term: number;
  /** Milliseconds stamped by the leader; never decreases. The only clock a state machine has. */
  readonly time: number;
  readonly command: C;
}

/** Between values and their bytes, the same on every node and in every release that has to read them. */
export interface Codec<T> {
  /** The same bytes for the same value. */
  encode(value: T): Uint8Array;
  /** @throws when the bytes are not of this form */
  decode(bytes: Uint8Array): T;
}

/** Without codecs nothing can be forwarded or stored. */
export interface MachineCodec<C, R, Q, A> {
  readonly command: Codec<C>;
  readonly result: Codec<R>;
  readonly query: Codec<Q>;
  readonly answer: Codec<A>;
}

/** A state as it was at one moment, read while the machine goes on. */
export interface SnapshotSource {
  /** Its bytes in order, in chunks of any size. Read at most once; the signal aborts when nobody wants the rest. */
  chunks(options: CallOptions): AsyncIterable<Uint8Array>;
  /** Lets go of the state. Called once, also when `chunks` was not read to its end. */
  release(): void;
}

/** What a state is restored from. */
export interface RestoreOptions extends CallOptions {
  /** Of the machine that captured this state: this one's, or an earlier one. */
  readonly version: number;
}

/** A deterministic state: the same commands in the same order give the same state and results everywhere. */
export interface StateMachine<C, R, Q, A> {
  /** Of the command and snapshot formats. */
  readonly version: number;
  readonly codec: MachineCodec<C, R, Q, A>;
  /** Results in the order of the commands. What it throws stops this machine, and would at every replay. */
  apply(batch: readonly CommittedCommand<C>[]): readonly R[];
  /** The answer from the state as it is now, which it leaves alone. What it throws is the caller's. */
  query(query: Q): A;
  /** Synchronous; what the source streams later is the state at the time of this call. */
  capture(): SnapshotSource;
  /**
   * All or nothing: when it rejects, the state is what it was. The bytes are those of `SnapshotSource.chunks`, but they
   * may be cut elsewhere.
   */
  restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void>;
}
