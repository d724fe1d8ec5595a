import type { Codec, CommittedCommand, StateMachine } from '@quorate/core';

const number: Codec<number> = {
  encode: (value) => new TextEncoder().encode(String(value)),
  decode: (bytes) => Number(new TextDecoder().decode(bytes)),
};

/** Adds numbers up, and carries so much ballast in its snapshots. */
export class CountingMachine implements StateMachine<number, number, number, number> {
  readonly version = 1;
  readonly codec = { command: number, result: number, query: number, answer: number };
  readonly #ballastBytes: number;
  #sum = 0;

  constructor(ballastBytes = 0) {
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
    const head: number[] = [];
    for await (const chunk of chunks) for (const byte of chunk) if (head.length < 8) head.push(byte);
    this.#sum = new DataView(Uint8Array.from(head).buffer).getFloat64(0);
  }
}
