import type { Codec, CommittedCommand, StateMachine } from '@quorate/core';

const number: Codec<number> = {
  encode: (value) => new TextEncoder().encode(String(value)),
  decode: (bytes) => Number(new TextDecoder().decode(bytes)),
};

/** Adds numbers up, and carries so much ballast in its snapshots. */
export class SumMachine implements StateMachine<number, number, null, number> {
  readonly version = 1;
  readonly codec = {
    command: number,
    result: number,
    query: { encode: () => new Uint8Array(), decode: () => null },
    answer: number,
  };
  readonly #ballastBytes: number;
  #sum = 0;

  constructor(ballastBytes: number) {
    this.#ballastBytes = ballastBytes;
  }

  apply(batch: readonly CommittedCommand<number>[]): readonly number[] {
    return batch.map(({ command }) => (this.#sum += command));
  }

  query(): number {
    return this.#sum;
  }

  capture() {
    const bytes = new Uint8Array(8 + this.#ballastBytes);
    new DataView(bytes.buffer).setFloat64(0, this.#sum);
    return {
      async *chunks() {
        yield bytes;
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.#sum = Buffer.concat(parts).readDoubleBE(0);
  }
}
