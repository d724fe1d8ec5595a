import type { CommandOrder } from './command-order.ts';
import type { LedgerAnswer, LedgerCommand, LedgerQuery, LedgerResult } from './ledger-commands.ts';

/** A call of a client, and what it must at least see. */
export interface Call {
  readonly client: string;
  /** On which node it is made. */
  readonly node: string;
  /** The number of a command: this one and all before it had been applied when the freshness counted that was asked for. */
  readonly floor: number;
}

/** What clients were told, compared with the order in which commands were applied. */
export class ClientPromises {
  readonly #order: CommandOrder;
  #highestAcknowledged = 0;

  constructor(order: CommandOrder) {
    this.#order = order;
  }

  /** All up to here has to outlive everything. */
  get highestAcknowledged(): number {
    return this.#highestAcknowledged;
  }

  /** @throws Error unless this is what became of the command, and that after the call */
  acknowledged({ client, node, floor }: Call, { id }: LedgerCommand, result: LedgerResult): void {
    const { number, index, value } = result;
    const applied = this.#order.find(id);
    const what = `${client} on ${node}: command ${id}, acknowledged as ${number} at ${index},`;
    if (applied === undefined) throw new Error(`durability: ${what} was applied by nobody`);
    if (applied.number !== number || applied.index !== index) {
      throw new Error(`exactly once: ${what} was applied as ${applied.number} at ${applied.index}`);
    }
    if (applied.result !== value) {
      throw new Error(
        `result: ${what} gave ${JSON.stringify(applied.result)}, its client got ${JSON.stringify(value)}`,
      );
    }
    if (number <= floor) throw new Error(`order: ${what} was called when ${floor} had been applied`);
    this.#highestAcknowledged = Math.max(this.#highestAcknowledged, number);
  }

  denied({ id }: LedgerCommand): void {
    this.#order.deny(id);
  }

  /** @throws Error for an answer that is older than it may be, or that no state ever gave */
  answered({ client, node, floor }: Call, level: string, { key }: LedgerQuery, answer: LedgerAnswer): void {
    const { number, value } = answer;
    const what = `${client} on ${node}: a ${level} read of ${key} saw ${number} commands`;
    if (number < floor) throw new Error(`stale read: ${what}, and was to see ${floor}`);
    const actual = this.#order.valueAt(key, number);
    if (actual !== value) {
      throw new Error(`read: ${what}, where there was ${JSON.stringify(actual)}, and got ${JSON.stringify(value)}`);
    }
  }
}
