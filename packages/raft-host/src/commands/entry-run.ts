import { ClusterError, isClusterError } from '@quorate/core';
import { type Command, type CommandBatch, decodeCommandBatch, type SessionCommand } from './command-batch.ts';
import { type CommandOutcome, DONE, skipped } from './command-outcome.ts';
import { type CommandMachine, type MachineFailure, MachineRun } from './machine-run.ts';
import type { Admitted } from './session.ts';
import type { SessionTable } from './session-table.ts';
import { type CommandPosition, decodeSkip, isSkip } from './skip.ts';
import type { SkipSet } from './skip-set.ts';

/** An entry of the log that is committed: a batch of commands, a skip, or nothing for a state machine. */
export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** How far the log is applied. */
export interface Applied {
  readonly index: number;
  readonly term: number;
  /** Milliseconds, of the log; never decreases. */
  readonly time: number;
}

/** Why entries could not be applied. The state is undefined then. */
export type Interruption =
  | { readonly kind: 'failed'; readonly failure: MachineFailure }
  /** The log says that this command is to be skipped, and it has been applied. */
  | { readonly kind: 'skipped-late'; readonly position: CommandPosition };

/** The replicated state, in its parts. */
export interface ReplicatedState<C, R> {
  readonly machine: CommandMachine<C, R>;
  readonly sessions: SessionTable;
  /** Commands not to be applied. */
  readonly skips: SkipSet;
  applied: Applied;
}

/** An entry, while it is applied. */
interface Current<R> {
  readonly index: number;
  readonly term: number;
  readonly outcomes: CommandOutcome<R>[];
}

/**
 * Applies entries to a state: what is a matter of sessions and skips at once, and what the machine is to do when `finish`
 * is called, or earlier where something depends on it.
 */
export class EntryRun<C, R> {
  readonly #state: ReplicatedState<C, R>;
  readonly #run: MachineRun<C, R>;
  readonly #isOneByOne: boolean;

  constructor(state: ReplicatedState<C, R>, isOneByOne: boolean) {
    this.#state = state;
    this.#run = new MachineRun(state.machine, state.sessions);
    this.#isOneByOne = isOneByOne;
  }

  /** @param outcomes of the entry's commands: complete when all is finished */
  apply({ index, term, data }: CommittedEntry, outcomes: CommandOutcome<R>[]): Interruption | undefined {
    const current = { index, term, outcomes };
    const interruption = isSkip(data) ? this.#skip(current, data) : this.#commands(current, data);
    this.#state.applied = { index, term, time: this.#state.applied.time };
    return interruption;
  }

  finish(): Interruption | undefined {
    const failure = this.#run.flush();
    return failure === undefined ? undefined : { kind: 'failed', failure };
  }

  #skip({ index, outcomes }: Current<R>, data: Uint8Array): Interruption | undefined {
    const position = this.#read(index, outcomes, () => decodeSkip(data));
    if (position === undefined) return undefined;
    if ('kind' in position) return position;
    if (position.index >= index) {
      const message = `a skip names entry ${position.index}, which it does not come behind`;
      outcomes.push({ ok: false, error: new ClusterError('NOT_FOUND', message, { outcome: 'not-applied' }) });
      return undefined;
    }
    if (!this.#state.skips.has(position)) return { kind: 'skipped-late', position };
    outcomes.push(DONE);
    return undefined;
  }

  #commands(current: Current<R>, data: Uint8Array): Interruption | undefined {
    if (data.length === 0) return undefined;
    const batch = this.#read(current.index, current.outcomes, () => decodeCommandBatch(data));
    if (batch === undefined) return undefined;
    if ('kind' in batch) return batch;
    this.#advance(batch);
    for (const [place, command] of batch.commands.entries()) {
      const interruption = this.#command(current, place, command);
      if (interruption !== undefined) return interruption;
    }
    return undefined;
  }

  /**
   * What an entry's data hold. Damaged ones, which are so on every node, are passed over when a skip of their first place
   * says so. Those of a later release never: other nodes may know them.
   */
  #read<T extends object>(index: number, outcomes: CommandOutcome<R>[], decode: () => T): T | Interruption | undefined {
    const position = { index, place: 0 };
    try {
      return decode();
    } catch (error) {
      const canBeSkipped = isClusterError(error, 'CORRUPT');
      if (!canBeSkipped || !this.#state.skips.has(position)) {
        return { kind: 'failed', failure: this.#run.failure(position, error, canBeSkipped) };
      }
      outcomes.push(skipped());
      return undefined;
    }
  }

  #advance({ time }: CommandBatch): void {
    const { applied, sessions } = this.#state;
    this.#state.applied = { ...applied, time: Math.max(time, applied.time) };
    sessions.advance(this.#state.applied.time);
  }

  #command(current: Current<R>, place: number, command: Command): Interruption | undefined {
    const { sessions } = this.#state;
    switch (command.kind) {
      case 'plain':
        return this.#forMachine(current, place, command.data, undefined);
      case 'in-session':
        return this.#inSession(current, place, command);
      case 'open-session': {
        const sessionId = sessions.open(command.ttlMs);
        current.outcomes[place] =
          typeof sessionId === 'number' ? { ok: true, kind: 'opened', sessionId } : { ok: false, error: sessionId };
        return undefined;
      }
      case 'keep-session':
        current.outcomes[place] = doneUnless(sessions.keep(command.sessionId));
        return undefined;
      case 'close-session':
        current.outcomes[place] = doneUnless(sessions.close(command.sessionId));
        return undefined;
    }
  }

  #inSession(current: Current<R>, place: number, command: SessionCommand): Interruption | undefined {
    const { sessions } = this.#state;
    const interruption = sessions.needsResults ? this.finish() : undefined;
    if (interruption !== undefined) return interruption;
    const admission = sessions.admit(command);
    switch (admission.kind) {
      case 'apply':
        return this.#forMachine(current, place, command.data, admission.admitted);
      case 'duplicate':
        this.#run.retry({ admitted: admission.admitted, place, outcomes: current.outcomes });
        return undefined;
      case 'refused':
        current.outcomes[place] = { ok: false, error: admission.error };
        return undefined;
    }
  }

  #forMachine(
    { index, term, outcomes }: Current<R>,
    place: number,
    data: Uint8Array,
    admitted: Admitted | undefined,
  ): Interruption | undefined {
    const { skips, machine, sessions, applied } = this.#state;
    if (skips.touches(index) && skips.has({ index, place })) {
      if (admitted !== undefined) sessions.remember(admitted, 'skipped');
      outcomes[place] = skipped();
      return undefined;
    }
    let command: C;
    try {
      command = machine.codec.command.decode(data);
    } catch (error) {
      return { kind: 'failed', failure: this.#run.failure({ index, place }, error, true) };
    }
    this.#run.add({ committed: { index, term, time: applied.time, command }, place, outcomes, admitted });
    return this.#isOneByOne ? this.finish() : undefined;
  }
}

function doneUnless(error: ClusterError | undefined): CommandOutcome<never> {
  return error === undefined ? DONE : { ok: false, error };
}
