import { slotClaims, type SlotClaims } from '@quorate/coordination';
import { isClusterError, type NodeId, type Session } from '@quorate/core';
import { claimSlot, submitTicket } from './ledger-client.ts';
import {
  type LedgerCommand,
  type LedgerResult,
  slotsOf,
  type TicketReplicator,
  verdictOf,
} from './replicated-ledger.ts';

/** What a leader wants numbered. */
export interface Ticket {
  /** No other ticket is ever called so. */
  readonly id: string;
  readonly node: NodeId;
  /** The fencing token of its leader. */
  readonly token: bigint;
}

export type LedgerVerdict =
  | { readonly type: 'accepted'; readonly number: number }
  | { readonly type: 'refused'; readonly highest: bigint };

/** Where a leader has its tickets numbered, and slots claimed. */
export interface TicketOffice {
  readonly claims: SlotClaims;
  /** @throws Error when there is no answer: the ticket may have been numbered */
  submit(ticket: Ticket, signal: AbortSignal): Promise<LedgerVerdict>;
  close(): Promise<void>;
}

/** A ledger outside the cluster. */
export function httpOffice(ledgerUrl: string): TicketOffice {
  return {
    claims: slotClaims({ replicate: (command) => claimSlot(ledgerUrl, command) }),
    submit: ({ token, node }) => submitTicket(ledgerUrl, token, node),
    close: async () => undefined,
  };
}

/** Longer than it takes to elect another leader, in every profile. */
const SUBMIT_MS = 20_000;

/**
 * The ledger that the cluster itself keeps. Each ticket is a command in a session: should nobody know what became of it,
 * because leaders changed just then, the session sends it again, and it is numbered once all the same.
 */
export class ReplicatedOffice implements TicketOffice {
  readonly claims: SlotClaims;
  readonly #replicator: TicketReplicator;
  #session: Session<LedgerCommand, LedgerResult> | undefined;

  constructor(replicator: TicketReplicator) {
    this.#replicator = replicator;
    this.claims = slotClaims({
      replicate: async (command, options) => slotsOf(await replicator.replicate(command, options)),
    });
  }

  async submit(ticket: Ticket, signal: AbortSignal): Promise<LedgerVerdict> {
    const session = this.#session ?? (await this.#replicator.openSession({ signal }));
    this.#session = session;
    try {
      return verdictOf(await session.replicate(ticket, { timeoutMs: SUBMIT_MS, signal }));
    } catch (error) {
      if (isClusterError(error, 'SESSION_EXPIRED')) this.#session = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
  }
}
