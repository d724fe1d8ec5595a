import type { Codec, CommittedCommand, SnapshotSource, StateMachine } from '@quorate/core';

const NOTHING = new Uint8Array(0);
const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (encoded) => encoded };

/** Counts commands of any bytes, and answers with the count: as little as a state machine can do. */
export class CountingMachine implements StateMachine<Uint8Array, Uint8Array, Uint8Array, Uint8Array> {
  readonly version = 1;
  readonly codec = { command: bytes, result: bytes, query: bytes, answer: bytes };
  #count = 0;

  apply(batch: readonly CommittedCommand<Uint8Array>[]): readonly Uint8Array[] {
    this.#count += batch.length;
    return batch.map(() => NOTHING);
  }

  query(): Uint8Array {
    return new Uint8Array(Float64Array.of(this.#count).buffer);
  }

  capture(): SnapshotSource {
    const state = this.query();
    return {
      async *chunks() {
        yield state;
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.#count = Buffer.concat(parts).readDoubleLE(0);
  }
}
