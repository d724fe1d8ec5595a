import type { Codec, CommittedCommand, Replicator, SnapshotSource, StateMachine } from '@quorate/core';

export type TallyReplicator = Replicator<number, number, undefined, number>;

/** A number to add to: whatever is lost or done twice shows in it. */
export class Tally implements StateMachine<number, number, undefined, number> {
  readonly version = 1;
  readonly codec = { command: json<number>(), result: json<number>(), query: nothing, answer: json<number>() };
  #value = 0;

  apply(batch: readonly CommittedCommand<number>[]): readonly number[] {
    return batch.map(({ command }) => (this.#value += command));
  }

  query(): number {
    return this.#value;
  }

  capture(): SnapshotSource {
    const bytes = this.codec.answer.encode(this.#value);
    const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    return { chunks, release: () => undefined };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: number[] = [];
    for await (const chunk of chunks) parts.push(...chunk);
    this.#value = this.codec.answer.decode(Uint8Array.from(parts));
  }
}

function json<T>(): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as T,
  };
}

const nothing: Codec<undefined> = { encode: () => new Uint8Array(), decode: () => undefined };
