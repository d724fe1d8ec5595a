import type { WriteOutcome } from '@quorate/core';
import { HistoryRecorder, type Operation, type SequentialModel } from '@quorate/testkit';
import type { NodeOutcome } from './node-protocol.ts';
import { INITIAL, type MachineCommand, type MachineQuery } from './register-machine.ts';

type WithoutName<C> = C extends MachineCommand ? Omit<C, 'op'> : never;

/** What is asked of one key; without its name, so that the same asked twice is the same. */
export type KeyedInput = WithoutName<MachineCommand> | KeyedQuery;
export type KeyedQuery = Exclude<MachineQuery, { readonly type: 'journal' }>;
export type KeyedOutput = null | boolean | number;

/** How a write ended, for its client. */
export interface Fate {
  readonly client: string;
  readonly outcome: 'ok' | WriteOutcome;
}

/** What one key should be: a register with its value, or a dispenser with the number of its last ticket. */
export const keyedModel: SequentialModel<number, KeyedInput, KeyedOutput> = {
  init: () => INITIAL,
  step: (state, input, output) => {
    const { next, value } = expected(state, input);
    return output === 'unknown' || output.value === value ? { ok: true, state: next } : { ok: false };
  },
  key: String,
  partition: ({ key }) => key,
  isRead: ({ type }) => type === 'get' || type === 'drawn',
};

function expected(state: number, input: KeyedInput): { readonly next: number; readonly value: KeyedOutput } {
  switch (input.type) {
    case 'put':
      return { next: input.value, value: null };
    case 'swap':
      return state === input.expected ? { next: input.value, value: true } : { next: state, value: false };
    case 'draw':
      return { next: state + 1, value: state + 1 };
    case 'get':
    case 'drawn':
      return { next: state, value: state };
  }
}

/** Everything that clients did and were told, of one run. */
export class OperationLog {
  readonly #recorder = new HistoryRecorder<KeyedInput, KeyedOutput>(performance);
  readonly #fates = new Map<string, Fate>();
  /** How often something was not done, by why. */
  readonly #codes = new Map<string, number>();

  get history(): readonly Operation<KeyedInput, KeyedOutput>[] {
    return this.#recorder.history;
  }

  /** By name of the operation. */
  get fates(): ReadonlyMap<string, Fate> {
    return this.#fates;
  }

  get codes(): ReadonlyMap<string, number> {
    return this.#codes;
  }

  async write(client: string, command: MachineCommand, call: () => Promise<NodeOutcome>): Promise<NodeOutcome> {
    const { op, ...input } = command;
    // Until it has an end: who is interrupted never learns.
    this.#fates.set(op, { client, outcome: 'unknown' });
    const outcome = await this.#record(client, input, call);
    this.#fates.set(op, { client, outcome: outcome.outcome });
    return outcome;
  }

  read(client: string, query: KeyedQuery, call: () => Promise<NodeOutcome>): Promise<NodeOutcome> {
    return this.#record(client, query, call);
  }

  async #record(client: string, input: KeyedInput, call: () => Promise<NodeOutcome>): Promise<NodeOutcome> {
    const recorded = this.#recorder.invoke(client, input);
    const outcome = await call();
    if (outcome.outcome === 'ok') recorded.ok(outcome.result as KeyedOutput);
    else if (outcome.outcome === 'not-applied') recorded.fail();
    else recorded.unknown();
    if (outcome.outcome !== 'ok') {
      const what = `${input.type} ${outcome.outcome} ${outcome.code}`;
      this.#codes.set(what, (this.#codes.get(what) ?? 0) + 1);
    }
    return outcome;
  }
}
