import {
  type Codec,
  type CommittedCommand,
  ClusterError,
  type Replicator,
  type RestoreOptions,
  type SnapshotSource,
  type StateMachine,
} from '@quorate/core';
import type { CoordinationReplicator } from '../slots/replicated-claims.ts';
import type { CoordinationCommand, CoordinationResult } from './coordination-codec.ts';
import { gathered, joined } from './chunks.ts';
import { coordinationMachine, MAX_STATE_BYTES } from './coordination-machine.ts';

/** A program's own, or coordination's. */
export type Shared<T, K> = { readonly program: T } | { readonly coordination: K };

/** A state machine of the program's, and beside it what `coordinationMachine` keeps: a cluster has one replicator. */
export type SharedMachine<C, R, Q, A> = StateMachine<
  Shared<C, CoordinationCommand>,
  Shared<R, CoordinationResult>,
  Q,
  A
>;

/** A replicator whose machine keeps a program's state and that of coordination. */
export type SharedReplicator<C, R, Q, A> = Replicator<
  Shared<C, CoordinationCommand>,
  Shared<R, CoordinationResult>,
  Q,
  A
>;

/** What stands before the bytes of each. */
const PROGRAM = 0;
const COORDINATION = 1;

/**
 * Puts a coordination machine beside a machine of your own, on one replicator. Commands are `{ program: command }`, and so are
 * results; queries are your own. `coordinationIn(replicator)` is what `slotClaims` and `rememberedRequests` take.
 */
export function withCoordination<C, R, Q, A>(machine: StateMachine<C, R, Q, A>): SharedMachine<C, R, Q, A> {
  return new CoordinatedMachine(machine);
}

/** The part of a replicator of `withCoordination` that is coordination's. */
export function coordinationIn<C, R, Q, A>(replicator: SharedReplicator<C, R, Q, A>): CoordinationReplicator {
  return {
    replicate: async (coordination, options) => {
      const result = await replicator.replicate({ coordination }, options);
      if ('coordination' in result) return result.coordination;
      throw new ClusterError('PROTOCOL', 'a command of coordination was answered by the program');
    },
  };
}

class CoordinatedMachine<C, R, Q, A> implements SharedMachine<C, R, Q, A> {
  readonly version: number;
  readonly codec: SharedMachine<C, R, Q, A>['codec'];
  readonly #program: StateMachine<C, R, Q, A>;
  readonly #coordination = coordinationMachine();

  constructor(program: StateMachine<C, R, Q, A>) {
    const { command, result, query, answer } = program.codec;
    const { codec } = this.#coordination;
    this.version = program.version;
    this.codec = { command: either(command, codec.command), result: either(result, codec.result), query, answer };
    this.#program = program;
  }

  apply(batch: readonly CommittedCommand<Shared<C, CoordinationCommand>>[]): readonly Shared<R, CoordinationResult>[] {
    // They know nothing of each other, so each has its commands at once.
    const own: CommittedCommand<CoordinationCommand>[] = [];
    const programs: CommittedCommand<C>[] = [];
    for (const { command, ...about } of batch) {
      if ('coordination' in command) own.push({ ...about, command: command.coordination });
      else programs.push({ ...about, command: command.program });
    }
    const coordination = this.#coordination.apply(own)[Symbol.iterator]();
    const results = (programs.length === 0 ? [] : this.#program.apply(programs))[Symbol.iterator]();
    return batch.map(({ command }) => {
      return 'coordination' in command ? { coordination: next(coordination) } : { program: next(results) };
    });
  }

  query(query: Q): A {
    return this.#program.query(query);
  }

  capture(): SnapshotSource {
    const own = this.#coordination.capture();
    const program = this.#program.capture();
    return {
      chunks: async function* chunks(options) {
        const parts = await gathered(own.chunks(options), MAX_STATE_BYTES);
        const header = new DataView(new ArrayBuffer(4));
        header.setUint32(0, parts.byteLength);
        yield new Uint8Array(header.buffer);
        yield parts;
        yield* program.chunks(options);
      },
      release: () => {
        own.release();
        program.release();
      },
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void> {
    const reader = new SectionReader(chunks);
    const header = await reader.take(4);
    const own = await reader.take(new DataView(header.buffer, header.byteOffset, 4).getUint32(0));
    const before = await gathered(this.#coordination.capture().chunks({}), MAX_STATE_BYTES);
    // All or nothing: the program's part comes last, and where that fails the other is put back.
    await this.#coordination.restore(once(own), { version: 1 });
    try {
      await this.#program.restore(reader.rest(), options);
    } catch (error) {
      await this.#coordination.restore(once(before), { version: 1 });
      throw error;
    }
  }
}

/** What comes in chunks, of which the first bytes are something else. */
class SectionReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @throws ClusterError `CORRUPT` at the end */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [this.#left];
    let available = this.#left.byteLength;
    while (available < length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new ClusterError('CORRUPT', 'a state that ends too early');
      parts.push(value);
      available += value.byteLength;
    }
    const bytes = joined(parts);
    this.#left = bytes.subarray(length);
    return bytes.slice(0, length);
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    yield this.#left;
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return;
      yield value;
    }
  }
}

function either<T, K>(program: Codec<T>, coordination: Codec<K>): Codec<Shared<T, K>> {
  return {
    encode: (value) => {
      if ('coordination' in value) return marked(COORDINATION, coordination.encode(value.coordination));
      return marked(PROGRAM, program.encode(value.program));
    },
    decode: (bytes) => {
      const rest = bytes.subarray(1);
      if (bytes[0] === PROGRAM) return { program: program.decode(rest) };
      return { coordination: coordination.decode(rest) };
    },
  };
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.byteLength + 1);
  whole[0] = mark;
  whole.set(bytes, 1);
  return whole;
}

/** There is a result for each command. */
function next<T>(results: Iterator<T>): T {
  return results.next().value as T;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
