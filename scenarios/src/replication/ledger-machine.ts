import { type CommittedCommand, crc32, type SnapshotSource, type StateMachine } from '@quorate/core';
import {
  effectOf,
  type LedgerAnswer,
  ledgerCodec,
  type LedgerCommand,
  type LedgerQuery,
  type LedgerResult,
  type LedgerValue,
} from './ledger-commands.ts';

/** A command as a machine has applied it: on every replica the same for the same number. */
export interface AppliedCommand {
  readonly number: number;
  readonly index: number;
  readonly term: number;
  readonly time: number;
  readonly command: LedgerCommand;
  /** Under its key, afterwards. */
  readonly value: string | null;
  readonly result: LedgerValue;
  /** Of this command and all before it. */
  readonly digest: number;
}

/** What a machine tells of itself. Must not throw: the machine would have failed. */
export interface LedgerObserver {
  applied(command: AppliedCommand): void;
  restored(number: number, digest: number): void;
  /** So many commands are seen by a query. */
  queried(number: number): void;
}

const CHUNK_BYTES = 4096;

/** Texts under keys, and a digest of all commands that were ever applied, in their order. */
export class LedgerMachine implements StateMachine<LedgerCommand, LedgerResult, LedgerQuery, LedgerAnswer> {
  readonly version = 1;
  readonly codec: typeof ledgerCodec = ledgerCodec;
  readonly #observer: LedgerObserver;
  #values = new Map<string, string>();
  #number = 0;
  #digest = 0;

  constructor(observer: LedgerObserver) {
    this.#observer = observer;
  }

  /** How many commands made this state. */
  get number(): number {
    return this.#number;
  }

  get digest(): number {
    return this.#digest;
  }

  apply(batch: readonly CommittedCommand<LedgerCommand>[]): readonly LedgerResult[] {
    return batch.map((committed) => this.#applyOne(committed));
  }

  query({ key }: LedgerQuery): LedgerAnswer {
    this.#observer.queried(this.#number);
    return { number: this.#number, value: this.#values.get(key) ?? null };
  }

  capture(): SnapshotSource {
    const bytes = new TextEncoder().encode(JSON.stringify([[...this.#values], this.#number, this.#digest]));
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
    const [values, number, digest] = JSON.parse(text + decoder.decode()) as [[string, string][], number, number];
    this.#values = new Map(values);
    this.#number = number;
    this.#digest = digest;
    this.#observer.restored(number, digest);
  }

  #applyOne({ index, term, time, command }: CommittedCommand<LedgerCommand>): LedgerResult {
    const { change } = command;
    const { value, result } = effectOf(this.#values.get(change.key) ?? null, change);
    if (value !== null) this.#values.set(change.key, value);
    this.#number += 1;
    this.#digest = crc32(this.codec.command.encode(command), this.#digest);
    const { number, digest } = { number: this.#number, digest: this.#digest };
    this.#observer.applied({ number, index, term, time, command, value, result, digest });
    return { number, index, value: result };
  }
}
