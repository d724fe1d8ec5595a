import { ClusterError, type StateMachine } from '@quorate/core';
import type { Command } from './commands/command-batch.ts';
import type { Halt } from './commands/entry-feed.ts';
import { OutcomeCodec } from './commands/outcome-codec.ts';
import { ReplicatedMachine } from './commands/replicated-machine.ts';

/** How far a group has brought its machine; nothing while it doesn't run. */
interface MachineProgress {
  readonly applied: number;
  /** Where it has stopped, if it has. */
  readonly halt: Halt | undefined;
}

/** The state machine of a group on this node: another one after each new beginning, which never shows what is older. */
export class GroupMachine<C, R, Q, A> {
  readonly codec: OutcomeCodec<R>;
  readonly #group: number;
  readonly #make: () => StateMachine<C, R, Q, A>;
  readonly #commandCodec: StateMachine<C, R, Q, A>['codec']['command'];
  #current: ReplicatedMachine<C, R, Q, A>;
  /** The last index whose effects anybody may have seen here. */
  #shown = 0;

  constructor(group: number, make: () => StateMachine<C, R, Q, A>) {
    this.#group = group;
    this.#make = make;
    this.#current = new ReplicatedMachine(make);
    const { codec } = this.#current;
    this.codec = new OutcomeCodec(codec.result);
    this.#commandCodec = codec.command;
  }

  get current(): ReplicatedMachine<C, R, Q, A> {
    return this.#current;
  }

  /** The present one has come so far, and is about to be given up. */
  hasShown(index: number): void {
    this.#shown = Math.max(this.#shown, index);
  }

  beginAnew(): void {
    this.#current = new ReplicatedMachine(this.#make);
  }

  encode(command: C): Uint8Array {
    return this.#commandCodec.encode(command);
  }

  /**
   * Why a command of another node is not to be committed: the machines of all nodes would stop at one that can't be read.
   * Undefined when nothing speaks against it.
   */
  readonly objection = (command: Command): ClusterError | undefined => {
    if (!('data' in command)) return undefined;
    try {
      this.#commandCodec.decode(command.data);
      return undefined;
    } catch (cause) {
      const message = `group ${this.#group}: a command that the leader's machine can't read`;
      return new ClusterError('PROTOCOL', message, { cause, outcome: 'not-applied' });
    }
  };

  /**
   * @throws ClusterError with the command that it has stopped at; `QUORUM_LOST` while it is older than what it has shown;
   * what the machine throws
   */
  query(query: Q, { halt, applied }: MachineProgress = { halt: undefined, applied: 0 }): A {
    if (halt !== undefined) throw halt.error;
    if (applied < this.#shown) {
      throw new ClusterError(
        'QUORUM_LOST',
        `group ${this.#group} brings this node what it had, and has not done so yet`,
      );
    }
    return this.#current.query(query);
  }
}
