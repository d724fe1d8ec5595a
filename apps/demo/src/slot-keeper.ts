import { type CoordinationCommand, coordinationMachine, type CoordinationResult } from '@quorate/coordination';

/** Keeps which slots were claimed, outside the cluster: what nodes with a replicated ledger keep themselves. */
export class SlotKeeper {
  readonly #machine = coordinationMachine();
  #index = 0;

  apply(command: CoordinationCommand): CoordinationResult {
    this.#index += 1;
    const [result] = this.#machine.apply([{ index: this.#index, term: 0, time: 0, command }]);
    return result ?? { kind: 'invalid' };
  }

  /** What bytes say that somebody has sent; they may say nothing. */
  read(body: string): CoordinationCommand {
    return this.#machine.codec.command.decode(Buffer.from(body));
  }
}
