import type { Codec, CommittedCommand, SnapshotSource, StateMachine } from '@quorate/core';

export type KeyValueCommand =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'add'; readonly key: string; readonly by: number }
  | { readonly type: 'fail'; readonly why: string };

/** A small state machine: texts under keys, and numbers to add to. */
export class KeyValues implements StateMachine<KeyValueCommand, string, string, string | undefined> {
  readonly version = 1;
  readonly codec = {
    command: json<KeyValueCommand>(),
    result: json<string>(),
    query: json<string>(),
    answer: json<string | undefined>(),
  };
  values = new Map<string, string>();
  /** How often a command was applied, in all. */
  applied = 0;

  apply(batch: readonly CommittedCommand<KeyValueCommand>[]): readonly string[] {
    return batch.map(({ command }) => {
      this.applied += 1;
      if (command.type === 'fail') throw new Error(command.why);
      const value =
        command.type === 'put' ? command.value : String(Number(this.values.get(command.key) ?? 0) + command.by);
      this.values.set(command.key, value);
      return value;
    });
  }

  query(key: string): string | undefined {
    return this.values.get(key);
  }

  capture(): SnapshotSource {
    const bytes = new TextEncoder().encode(JSON.stringify([...this.values]));
    return {
      chunks: async function* chunks() {
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk.slice());
    const text = new TextDecoder().decode(Buffer.concat(parts));
    this.values = new Map(JSON.parse(text) as [string, string][]);
  }
}

function json<T>(): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as T,
  };
}
