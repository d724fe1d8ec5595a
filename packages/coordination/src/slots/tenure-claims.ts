import type { SlotTime } from './schedule.ts';
import type { SlotClaim, SlotClaims, SlotOutcome, SlotRecord } from './slot-claims.ts';
import { type SlotResult, SlotTable } from './slot-table.ts';

const TASK = 'task';

/**
 * What stands in where nobody keeps the claims: this node's own memory. Each tenure begins with the present, since others
 * may have done what came before, and never goes back.
 */
export class TenureClaims implements SlotClaims {
  #table = new SlotTable();
  #last: SlotTime = 0;

  async open(_task: string, token: bigint, from: SlotTime): Promise<SlotRecord> {
    this.#table = new SlotTable();
    const opened = this.#table.apply({
      do: 'open',
      task: TASK,
      token: String(token),
      from: Math.max(from, this.#last),
    });
    return (opened as Extract<SlotResult, { kind: 'record' }>).record;
  }

  async claim({ slot, token, after }: SlotClaim & { readonly after: SlotTime }): Promise<boolean> {
    this.#last = slot;
    return this.#table.apply({ do: 'claim', task: TASK, slot, token: String(token), after }).kind === 'claimed';
  }

  async reclaim(): Promise<boolean> {
    return false;
  }

  async settle({ slot, token, outcome }: SlotClaim & { readonly outcome: SlotOutcome }): Promise<void> {
    this.#table.apply({ do: 'settle', task: TASK, slot, token: String(token), outcome });
  }

  async forget(): Promise<void> {
    this.#table = new SlotTable();
  }
}
