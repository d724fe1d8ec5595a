import type { DeliveryAudit } from '../audit/delivery-audit.ts';
import type { QueueName } from '../broker/commands.ts';
import { NoAnswer, type NodesClient, pause } from './nodes-client.ts';
import { Settler } from './settler.ts';

const MAX_AT_ONCE = 20;
const WAIT_MS = 500;
const RETRY_MS = 20;

/** What a consumer does with a delivery. `die`: it is gone, with all that it has. */
export type Verdict = 'acknowledge' | 'reject' | 'die';

/** As the HTTP API has it. */
export interface WireDelivery {
  readonly receipt: string;
  readonly id: string;
  readonly body: string;
  readonly attempt: number;
}

export interface ConsumerOptions {
  readonly client: NodesClient;
  readonly audit: DeliveryAudit;
  readonly queue: QueueName;
  readonly name: string;
  /** How long a request may take beyond what it waits. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly judge: (delivery: WireDelivery) => Verdict;
  readonly onDelivered: (delivery: WireDelivery, at: number) => void;
  readonly onAcknowledged: (count: number) => void;
}

/** Asks for deliveries again and again, and settles what comes. */
export class PollingConsumer {
  readonly #options: ConsumerOptions;
  readonly #settler: Settler;
  /** How often it has died: each time another comes in its place. */
  #deaths = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      const askedAt = performance.now();
      const deliveries = await this.#receive();
      if (deliveries === undefined) await pause(RETRY_MS, signal);
      else await this.#take(deliveries, askedAt);
    }
  }

  async #receive(): Promise<readonly WireDelivery[] | undefined> {
    const { client, queue, name, timeoutMs, signal } = this.#options;
    const answer = await client.attempt({
      method: 'POST',
      path: `/v1/queues/${queue}/receive`,
      body: { consumer: `${name}-${this.#deaths}`, max: MAX_AT_ONCE, waitMs: WAIT_MS },
      timeoutMs: WAIT_MS + timeoutMs,
      signal,
    });
    if (answer instanceof NoAnswer || answer.status >= 300) return undefined;
    return (answer.body as { readonly deliveries: readonly WireDelivery[] }).deliveries;
  }

  async #take(deliveries: readonly WireDelivery[], askedAt: number): Promise<void> {
    const { audit, queue, judge, onDelivered, onAcknowledged } = this.#options;
    const at = performance.now();
    const settled: Record<Exclude<Verdict, 'die'>, string[]> = { acknowledge: [], reject: [] };
    let isDead = false;
    for (const delivery of deliveries) {
      audit.delivered(queue, { ...delivery, askedAt, at });
      onDelivered(delivery, at);
      const verdict = isDead ? 'die' : judge(delivery);
      if (verdict === 'die') isDead = true;
      else settled[verdict].push(delivery.receipt);
    }
    if (isDead) this.#deaths += 1;
    await this.#settler.settle('reject', settled.reject);
    onAcknowledged(await this.#settler.settle('acknowledge', settled.acknowledge));
  }
}
