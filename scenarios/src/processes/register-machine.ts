import type { Codec, CommittedCommand, SnapshotSource, StateMachine } from '@quorate/core';

/** `op` names the operation once and for all, so that the machine can tell how often it took effect. */
export type MachineCommand = { readonly op: string; readonly key: string } & (
  | { readonly type: 'put'; readonly value: number }
  | { readonly type: 'swap'; readonly expected: number; readonly value: number }
  | { readonly type: 'draw' }
);

/** Of `put` null, of `swap` whether the value was the expected one, of `draw` the number of the ticket. */
export type MachineResult = null | boolean | number;

export type MachineQuery =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'drawn'; readonly key: string }
  /** Of everything that took effect, in order, at most `PAGE` operations from this one on. */
  | { readonly type: 'journal'; readonly from: number };

/** Of `get` the value, of `drawn` how many tickets, of `journal` the names of the operations. */
export type MachineAnswer = number | readonly string[];

interface State {
  readonly registers: Map<string, number>;
  readonly tickets: Map<string, number>;
  readonly journal: string[];
}

/** What a register holds that nobody has written to. */
export const INITIAL = 0;
const PAGE = 5000;
const CHUNK_CHARACTERS = 16 * 1024;

/** Registers and dispensers of numbered tickets, and a journal of all that was done to them. */
export class RegisterMachine implements StateMachine<MachineCommand, MachineResult, MachineQuery, MachineAnswer> {
  readonly version = 1;
  readonly codec = {
    command: jsonCodec<MachineCommand>(),
    result: jsonCodec<MachineResult>(),
    query: jsonCodec<MachineQuery>(),
    answer: jsonCodec<MachineAnswer>(),
  };
  #state: State = { registers: new Map(), tickets: new Map(), journal: [] };

  apply(batch: readonly CommittedCommand<MachineCommand>[]): readonly MachineResult[] {
    return batch.map(({ command }) => {
      this.#state.journal.push(command.op);
      return this.#applyOne(command);
    });
  }

  query(query: MachineQuery): MachineAnswer {
    const { registers, tickets, journal } = this.#state;
    switch (query.type) {
      case 'get':
        return registers.get(query.key) ?? INITIAL;
      case 'drawn':
        return tickets.get(query.key) ?? 0;
      case 'journal':
        return journal.slice(query.from, query.from + PAGE);
    }
  }

  capture(): SnapshotSource {
    const { registers, tickets, journal } = this.#state;
    const text = JSON.stringify({ registers: [...registers], tickets: [...tickets], journal });
    return {
      async *chunks() {
        for (let at = 0; at < text.length; at += CHUNK_CHARACTERS) {
          yield new TextEncoder().encode(text.slice(at, at + CHUNK_CHARACTERS));
        }
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    const { registers, tickets, journal } = JSON.parse(text) as Record<'registers' | 'tickets', [string, number][]> & {
      readonly journal: string[];
    };
    this.#state = { registers: new Map(registers), tickets: new Map(tickets), journal };
  }

  #applyOne(command: MachineCommand): MachineResult {
    const { registers, tickets } = this.#state;
    const { key } = command;
    switch (command.type) {
      case 'put':
        registers.set(key, command.value);
        return null;
      case 'swap': {
        const swaps = (registers.get(key) ?? INITIAL) === command.expected;
        if (swaps) registers.set(key, command.value);
        return swaps;
      }
      case 'draw': {
        const number = (tickets.get(key) ?? 0) + 1;
        tickets.set(key, number);
        return number;
      }
    }
  }
}

function jsonCodec<T>(): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as T,
  };
}
