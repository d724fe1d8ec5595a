import type { NodeId } from '@quorate/core';
import { machineNow, type MachineMs } from './report.ts';

/** A numbered ticket, or one that was refused because a newer leader had written before. */
export type LedgerEntry =
  | {
      readonly type: 'accepted';
      readonly at: MachineMs;
      readonly node: NodeId;
      readonly token: bigint;
      readonly number: number;
      /** In the replicated ledger: what the ticket is called. */
      readonly id?: string;
    }
  | {
      readonly type: 'refused';
      readonly at: MachineMs;
      readonly node: NodeId;
      readonly token: bigint;
      readonly highest: bigint;
    };

export type AcceptedTicket = Extract<LedgerEntry, { type: 'accepted' }>;

/**
 * The resource outside the cluster that leaders write to. It takes no part in elections; all it knows of them is the
 * token that comes with each write.
 */
export interface Ledger {
  submit(token: bigint, node: NodeId): LedgerEntry;
}

/** Numbers tickets, and refuses every token lower than one it has seen: a fence against leaders that were replaced. */
export class FencingLedger implements Ledger {
  #highest = 0n;
  #count = 0;

  submit(token: bigint, node: NodeId): LedgerEntry {
    const at = machineNow();
    if (token < this.#highest) return { type: 'refused', at, node, token, highest: this.#highest };
    this.#highest = token;
    this.#count += 1;
    return { type: 'accepted', at, node, token, number: this.#count };
  }
}
