import type { Codec, CommittedCommand, MachineCodec, SnapshotSource, StateMachine } from '@quorate/core';

const text: Codec<string> = {
  encode: (value) => new TextEncoder().encode(value),
  decode: (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
};

/** Anything but this can't be read back. */
export const UNREADABLE = 'unreadable';

export interface LedgerOptions {
  readonly version?: number;
  /** At which commands the machine fails, given how many it has applied. */
  readonly fails?: (command: string, applied: number) => boolean;
  /** In characters, of each result beyond what it says. */
  readonly padding?: number;
}

/** A state machine that keeps all its commands, in order. The result of each says where it stands, and when that was. */
export class Ledger implements StateMachine<string, string, 'lines' | 'count', string> {
  readonly version: number;
  readonly codec: MachineCodec<string, string, 'lines' | 'count', string> = {
    command: { ...text, decode: readableText },
    result: text,
    query: {
      encode: (query) => text.encode(query),
      decode: (bytes) => (text.decode(bytes) === 'lines' ? 'lines' : 'count'),
    },
    answer: text,
  };
  readonly #options: LedgerOptions;
  #lines: string[] = [];

  constructor(options: LedgerOptions = {}) {
    this.#options = options;
    this.version = options.version ?? 1;
  }

  apply(batch: readonly CommittedCommand<string>[]): readonly string[] {
    return batch.map(({ command, index, term, time }) => {
      if (this.#options.fails?.(command, this.#lines.length) === true) throw new Error(`can't do ${command}`);
      this.#lines.push(`${command}@${index}/${term}/${time}`);
      return `${this.#lines.length}:${command}`.padEnd(this.#options.padding ?? 0, '.');
    });
  }

  query(query: 'lines' | 'count'): string {
    return query === 'lines' ? this.#lines.join('\n') : String(this.#lines.length);
  }

  capture(): SnapshotSource {
    const bytes = text.encode(JSON.stringify(this.#lines));
    return { chunks: () => inPieces([bytes], [7]), release: () => undefined };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#lines = JSON.parse(text.decode(await joined(chunks))) as string[];
  }
}

/** The same bytes, cut elsewhere: into pieces of these sizes, over and over. */
export async function* inPieces(chunks: Iterable<Uint8Array>, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let turn = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
      yield chunk.subarray(at, at + size);
      at += size;
      turn += 1;
    }
  }
}

export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

function readableText(bytes: Uint8Array): string {
  const command = text.decode(bytes);
  if (command === UNREADABLE) throw new RangeError('not a command');
  return command;
}
