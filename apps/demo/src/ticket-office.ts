import { isClusterError, type NodeId, type Session } from '@quorate/core';
import { submitTicket } from './ledger-client.ts';
import type { TicketReplicator } from './replicated-ledger.ts';

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

/** Where a leader has its tickets numbered. */
export interface TicketOffice {
  /** @throws Error when there is no answer: the ticket may have been numbered */
  submit(ticket: Ticket, signal: AbortSignal): Promise<LedgerVerdict>;
  close(): Promise<void>;
}

/** A ledger outside the cluster. */
export function httpOffice(ledgerUrl: string): TicketOffice {
  return {
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
  readonly #replicator: TicketReplicator;
  #session: Session<Ticket, LedgerVerdict> | undefined;

  constructor(replicator: TicketReplicator) {
    this.#replicator = replicator;
  }

  async submit(ticket: Ticket, signal: AbortSignal): Promise<LedgerVerdict> {
    const session = this.#session ?? (await this.#replicator.openSession({ signal }));
    this.#session = session;
    try {
      return await session.replicate(ticket, { timeoutMs: SUBMIT_MS, signal });
    } catch (error) {
      if (isClusterError(error, 'SESSION_EXPIRED')) this.#session = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
  }
}
