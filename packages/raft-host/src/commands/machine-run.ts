import type { Codec, CommittedCommand } from '@quorate/core';
import { type CommandOutcome, recalled } from './command-outcome.ts';
import type { Admitted } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { CommandPosition } from './skip.ts';

/** The part of a state machine that applies. */
export interface CommandMachine<C, R> {
  readonly codec: { readonly command: Codec<C>; readonly result: Codec<R> };
  apply(batch: readonly CommittedCommand<C>[]): readonly R[];
}

/** The machine failed at one of the commands `from` to `to`: which one is known when they are the same. */
export interface MachineFailure {
  readonly from: CommandPosition;
  readonly to: CommandPosition;
  readonly error: unknown;
  /** False where the same bytes may be no failure to another release: a skip would not be the same to all. */
  readonly canBeSkipped: boolean;
}

/** A command that the machine is to apply, and where its outcome goes. */
interface Waiting<C, R> {
  readonly committed: CommittedCommand<C>;
  readonly place: number;
  /** Of its entry. */
  readonly outcomes: CommandOutcome<R>[];
  /** Within a session. */
  readonly admitted: Admitted | undefined;
}

/** A retry of a command that waits. */
interface Retry<R> {
  readonly admitted: Admitted;
  readonly place: number;
  readonly outcomes: CommandOutcome<R>[];
}

/** Commands on their way into the machine: of as many entries as possible with one call of it. */
export class MachineRun<C, R> {
  readonly #machine: CommandMachine<C, R>;
  readonly #sessions: SessionTable;
  #waiting: Waiting<C, R>[] = [];
  #retries: Retry<R>[] = [];

  constructor(machine: CommandMachine<C, R>, sessions: SessionTable) {
    this.#machine = machine;
    this.#sessions = sessions;
  }

  add(waiting: Waiting<C, R>): void {
    this.#waiting.push(waiting);
  }

  /** A command that a session has let through before, in this run or long ago. */
  retry(retry: Retry<R>): void {
    this.#retries.push(retry);
  }

  /** The commands that wait, and this one: the machine failed at one of them. */
  failure(at: CommandPosition, error: unknown, canBeSkipped: boolean): MachineFailure {
    const [first] = this.#waiting;
    return { from: first === undefined ? at : positionOf(first), to: at, error, canBeSkipped };
  }

  /** Has the machine apply what waits. */
  flush(): MachineFailure | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    const failure = waiting.length === 0 ? undefined : this.#apply(waiting);
    if (failure !== undefined) return failure;
    const { result } = this.#machine.codec;
    for (const { admitted, outcomes, place } of this.#retries) outcomes[place] = recalled(admitted, result);
    this.#retries = [];
    return undefined;
  }

  #apply(waiting: readonly Waiting<C, R>[]): MachineFailure | undefined {
    const from = positionOf(waiting[0] as Waiting<C, R>);
    const to = positionOf(waiting.at(-1) as Waiting<C, R>);
    let results: readonly R[];
    try {
      results = this.#machine.apply(waiting.map(({ committed }) => committed));
      checkCount(results, waiting.length);
    } catch (error) {
      return { from, to, error, canBeSkipped: true };
    }
    for (const [at, each] of waiting.entries()) {
      const failure = this.#settle(each, results[at] as R);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #settle(waiting: Waiting<C, R>, result: R): MachineFailure | undefined {
    const { admitted, outcomes, place } = waiting;
    outcomes[place] = { ok: true, kind: 'result', result };
    if (admitted === undefined) return undefined;
    try {
      // A copy: an encoder may hand out views of one buffer again and again.
      this.#sessions.remember(admitted, new Uint8Array(this.#machine.codec.result.encode(result)));
    } catch (error) {
      const at = positionOf(waiting);
      return { from: at, to: at, error, canBeSkipped: true };
    }
    return undefined;
  }
}

function positionOf({ committed, place }: Waiting<unknown, unknown>): CommandPosition {
  return { index: committed.index, place };
}

function checkCount(results: readonly unknown[], expected: number): void {
  if (Array.isArray(results) && results.length === expected) return;
  const what = Array.isArray(results) ? `${results.length} results` : 'no list of results';
  throw new TypeError(`the state machine gave ${what} for ${expected} commands`);
}
