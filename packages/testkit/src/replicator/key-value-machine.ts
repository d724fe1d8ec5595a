import {
  type Codec,
  type CommittedCommand,
  crc32,
  type MachineCodec,
  type SnapshotSource,
  type StateMachine,
} from '@quorate/core';

/** What the machine of the replicator suite does with the text under a key, which is absent at first. */
export type KeyValueCommand =
  /** Returns null. */
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  /** Puts the value and a comma behind what is there; returns all of it. */
  | { readonly type: 'append'; readonly key: string; readonly value: string }
  /** Compare and set: puts the value if what is there is the expected (null: nothing), and returns whether it did. */
  | { readonly type: 'cas'; readonly key: string; readonly expected: string | null; readonly value: string }
  /** A ticket machine: counts up by one, and returns the number. */
  | { readonly type: 'next'; readonly key: string }
  /** Throws. */
  | { readonly type: 'fail'; readonly key: string };

/** What a command has returned. */
export type KeyValueResult = string | number | boolean | null;

/** Answered with the text under the key, or null. */
export interface KeyValueQuery {
  readonly type: 'get';
  readonly key: string;
}

/** The text under a key, or null. */
export type KeyValueAnswer = string | null;

/** The state machine that suites of replicators replicate. */
export type KeyValueStateMachine = StateMachine<KeyValueCommand, KeyValueResult, KeyValueQuery, KeyValueAnswer>;

/** What a command makes of the text under its key, and returns. */
export interface Effect {
  readonly value: string | null;
  readonly result: KeyValueResult;
}

/** @throws Error for a command `fail` */
export function effectOf(value: string | null, command: KeyValueCommand): Effect {
  switch (command.type) {
    case 'put':
      return { value: command.value, result: null };
    case 'append': {
      const longer = `${value ?? ''}${command.value},`;
      return { value: longer, result: longer };
    }
    case 'cas': {
      const holds = value === command.expected;
      return { value: holds ? command.value : value, result: holds };
    }
    case 'next': {
      const next = Number(value ?? '0') + 1;
      return { value: String(next), result: next };
    }
    case 'fail':
      throw new Error(`the machine fails at a command for ${command.key}, as it was told to`);
  }
}

/** A command that a machine has applied: the same on every replica for the same number. */
export interface AppliedCommand {
  /** From 1. */
  readonly number: number;
  readonly index: number;
  readonly term: number;
  readonly time: number;
  /** Of this command and all before it. */
  readonly digest: number;
}

interface State {
  readonly values: ReadonlyMap<string, string>;
  readonly count: number;
  readonly digest: number;
}

const CHUNK_BYTES = 1024;
const FIRST_STATE: State = { values: new Map(), count: 0, digest: 0 };

/** Texts under keys, with a digest of everything that was done to them. */
export class KeyValueMachine implements KeyValueStateMachine {
  readonly version = 1;
  readonly codec: MachineCodec<KeyValueCommand, KeyValueResult, KeyValueQuery, KeyValueAnswer> = keyValueCodec;
  readonly #onApplied: (applied: AppliedCommand) => void;
  readonly #values = new Map<string, string>();
  #count = 0;
  #digest = 0;

  constructor(onApplied: (applied: AppliedCommand) => void = () => undefined) {
    this.#onApplied = onApplied;
  }

  /** How many commands made this state. */
  get count(): number {
    return this.#count;
  }

  /** Of all commands that made this state. */
  get digest(): number {
    return this.#digest;
  }

  apply(batch: readonly CommittedCommand<KeyValueCommand>[]): readonly KeyValueResult[] {
    return batch.map((committed) => this.#applyOne(committed));
  }

  query({ key }: KeyValueQuery): KeyValueAnswer {
    return this.#values.get(key) ?? null;
  }

  capture(): SnapshotSource {
    const state = [[...this.#values], this.#count, this.#digest];
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    return {
      chunks: async function* chunks() {
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    const { values, count, digest } = readState(text + decoder.decode());
    this.#values.clear();
    for (const [key, value] of values) this.#values.set(key, value);
    this.#count = count;
    this.#digest = digest;
  }

  #applyOne({ index, term, time, command }: CommittedCommand<KeyValueCommand>): KeyValueResult {
    const { value, result } = effectOf(this.#values.get(command.key) ?? null, command);
    if (value !== null) this.#values.set(command.key, value);
    this.#count += 1;
    this.#digest = crc32(this.codec.command.encode(command), this.#digest);
    this.#onApplied({ number: this.#count, index, term, time, digest: this.#digest });
    return result;
  }
}

function readState(text: string): State {
  if (text === '') return FIRST_STATE;
  const [values, count, digest] = JSON.parse(text) as [[string, string][], number, number];
  return { values: new Map(values), count, digest };
}

const COMMAND_TYPES: readonly unknown[] = ['put', 'append', 'cas', 'next', 'fail'];

const keyValueCodec: MachineCodec<KeyValueCommand, KeyValueResult, KeyValueQuery, KeyValueAnswer> = {
  command: jsonCodec<KeyValueCommand>('command', (value) => isKeyed(value) && COMMAND_TYPES.includes(value.type)),
  result: jsonCodec<KeyValueResult>('result', (value) => value === null || typeof value !== 'object'),
  query: jsonCodec<KeyValueQuery>('query', (value) => isKeyed(value) && value.type === 'get'),
  answer: jsonCodec<KeyValueAnswer>('answer', (value) => value === null || typeof value === 'string'),
};

/** What can't be encoded is refused like what can't be decoded. */
function jsonCodec<T>(what: string, accepts: (value: unknown) => boolean): Codec<T> {
  const check = (value: unknown): T => {
    if (accepts(value)) return value as T;
    throw new TypeError(`this is no ${what} of the machine: ${JSON.stringify(value)}`);
  };
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(check(value))),
    decode: (bytes) => check(JSON.parse(new TextDecoder().decode(bytes))),
  };
}

function isKeyed(value: unknown): value is { readonly type: unknown; readonly key: string } {
  return (
    typeof value === 'object' && value !== null && 'key' in value && typeof value.key === 'string' && 'type' in value
  );
}
