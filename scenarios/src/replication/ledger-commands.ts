import type { Codec, MachineCodec } from '@quorate/core';

/** What a command does with what is under its key: nothing at first. */
export type LedgerChange =
  /** Puts the value there. Results in null. */
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  /** Puts the value behind what is there. Results in all of it. */
  | { readonly type: 'append'; readonly key: string; readonly value: string }
  /** Compare and set: puts the value there if what is there is the expected. Results in whether it did. */
  | { readonly type: 'cas'; readonly key: string; readonly expected: string | null; readonly value: string }
  /** A ticket machine: counts up by one. Results in the number. */
  | { readonly type: 'next'; readonly key: string };

export interface LedgerCommand {
  /** Of this command alone, in the whole life of a cluster. */
  readonly id: string;
  readonly change: LedgerChange;
  /** Commands that stay together: their name, how many they are, and which of them this is, from 0. */
  readonly batch?: { readonly name: string; readonly size: number; readonly place: number };
}

export type LedgerValue = string | number | boolean | null;

export interface LedgerResult {
  /** Of the command, among all that were applied, from 1. */
  readonly number: number;
  /** Of its entry in the log. */
  readonly index: number;
  readonly value: LedgerValue;
}

export interface LedgerQuery {
  readonly key: string;
}

export interface LedgerAnswer {
  /** Of the last command that was applied. */
  readonly number: number;
  readonly value: string | null;
}

/** What is under the key afterwards, and what the command results in. */
export function effectOf(
  value: string | null,
  change: LedgerChange,
): { readonly value: string | null; readonly result: LedgerValue } {
  switch (change.type) {
    case 'put':
      return { value: change.value, result: null };
    case 'append': {
      const longer = `${value ?? ''}${change.value},`;
      return { value: longer, result: longer };
    }
    case 'cas': {
      const holds = value === change.expected;
      return { value: holds ? change.value : value, result: holds };
    }
    case 'next': {
      const next = Number(value ?? '0') + 1;
      return { value: String(next), result: next };
    }
  }
}

export const ledgerCodec: MachineCodec<LedgerCommand, LedgerResult, LedgerQuery, LedgerAnswer> = {
  command: json<LedgerCommand>(),
  result: json<LedgerResult>(),
  query: json<LedgerQuery>(),
  answer: json<LedgerAnswer>(),
};

function json<T>(): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as T,
  };
}
