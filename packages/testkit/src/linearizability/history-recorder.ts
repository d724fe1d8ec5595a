import { type Clock, isClusterError } from '@quorate/core';

import type { Operation, Output } from './model.ts';

/** A call that was made and whose end is to be told: once, as one of three. */
export interface RecordedCall<O> {
  /** It returned. */
  ok(value: O): void;
  /** It certainly had no effect, and never will: it is left out. */
  fail(): void;
  /** It may have had an effect, or may yet have one. */
  unknown(): void;
}

/** Of two events in one program it is known which came first: in the history they are at least this far apart. */
const LEAST_MS = 2 ** -10;

/** Records what concurrent clients call and get, as a history to be checked. */
export class HistoryRecorder<I, O> {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #operations: Operation<I, O>[] = [];
  /** Those that nobody has told the end of. */
  readonly #open = new Set<Omit<Operation<I, O>, 'output' | 'returnedAt'>>();
  #last = -Infinity;

  /** @param clock of whoever tests: one for all clients, and not a clock that drifts */
  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** What was recorded so far. Calls whose end was not told are unknown. */
  get history(): readonly Operation<I, O>[] {
    const open = [...this.#open].map((call) => ({ ...call, output: 'unknown' as const, returnedAt: Infinity }));
    return [...this.#operations, ...open];
  }

  /** A client makes a call now. */
  invoke(client: string | number, input: I): RecordedCall<O> {
    const call = { client, input, calledAt: this.#stamp() };
    this.#open.add(call);
    const end = (output?: Output<O>) => {
      if (!this.#open.delete(call)) throw new Error(`the end of a call of ${client} was told before`);
      if (output !== undefined) this.#operations.push({ ...call, output, returnedAt: this.#stamp() });
    };
    return { ok: (value) => end({ value }), fail: () => end(), unknown: () => end('unknown') };
  }

  /**
   * Makes a call and records its end. One that rejects is left out when the error says that it was not applied, and is
   * unknown otherwise.
   * @throws what the call rejects with
   */
  async record(client: string | number, input: I, call: () => Promise<O>): Promise<O> {
    const recorded = this.invoke(client, input);
    try {
      const value = await call();
      recorded.ok(value);
      return value;
    } catch (error) {
      if (isClusterError(error) && error.outcome === 'not-applied') recorded.fail();
      else recorded.unknown();
      throw error;
    }
  }

  #stamp(): number {
    this.#last = Math.max(this.#clock.now(), this.#last + LEAST_MS);
    return this.#last;
  }
}
