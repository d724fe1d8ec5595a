import type { DeliveryAudit } from '../audit/delivery-audit.ts';
import type { SettlementKind, SettlementOutcome } from '../audit/observations.ts';
import type { QueueName } from '../broker/commands.ts';
import type { NodesClient } from './nodes-client.ts';

/** Beyond it a delivery is another's anyway. */
const GIVES_UP_MS = 5_000;
const REJECTED_FOR_MS = 50;

interface SettleAnswer {
  readonly settled: readonly ('done' | 'unknown-receipt')[];
}

export interface SettlerOptions {
  readonly client: NodesClient;
  readonly audit: DeliveryAudit;
  readonly queue: QueueName;
  readonly signal: AbortSignal;
}

/** Acknowledges and rejects what a consumer was given. */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Resolves to how many are known to be settled. */
  async settle(how: SettlementKind, receipts: readonly string[]): Promise<number> {
    if (receipts.length === 0) return 0;
    const { audit, queue } = this.#options;
    const at = performance.now();
    for (const receipt of receipts) audit.settling(queue, receipt, how, at);
    const outcomes = await this.#ask(how, receipts);
    receipts.forEach((receipt, index) => audit.settled(queue, receipt, outcomes[index] ?? 'unconfirmed'));
    return outcomes.filter((outcome) => outcome === 'done').length;
  }

  async #ask(how: SettlementKind, receipts: readonly string[]): Promise<readonly SettlementOutcome[]> {
    const { client, queue } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(GIVES_UP_MS)]);
    const body = how === 'reject' ? { receipts, delayMs: REJECTED_FOR_MS } : { receipts };
    try {
      const answer = await client.persist({ method: 'POST', path: `/v1/queues/${queue}/${how}`, body, signal });
      if (answer.status >= 300) return [];
      // What an earlier try has settled is unknown to a later one.
      const unknown = answer.unknownBefore > 0 ? 'unconfirmed' : 'unknown-receipt';
      return (answer.body as SettleAnswer).settled.map((settled) => (settled === 'done' ? settled : unknown));
    } catch {
      return [];
    }
  }
}
