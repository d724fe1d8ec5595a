import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { pause } from './nodes-client.ts';
import type { ConsumerOptions, WireDelivery } from './polling-consumer.ts';
import { Settler } from './settler.ts';

const PREFETCH = 20;
const RETRY_MS = 20;

/** Has deliveries sent to it as they come, and settles each. */
export class StreamingConsumer {
  readonly #options: ConsumerOptions;
  readonly #settler: Settler;
  #streams = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
  }

  async run(): Promise<void> {
    const { signal, client } = this.#options;
    while (!signal.aborted) {
      this.#streams += 1;
      const { url } = client;
      await this.#follow(url);
      if (!signal.aborted) client.avoid(url);
      await pause(RETRY_MS, signal);
    }
  }

  /** Resolves when the stream is over, or the consumer has died. */
  async #follow(url: string): Promise<void> {
    const { queue, name, audit, signal } = this.#options;
    const over = new AbortController();
    const held = new Set<string>();
    const askedAt = performance.now();
    const onEvent = ({ event, data }: EventSourceMessage): void => {
      if (event !== 'delivery' || over.signal.aborted) return;
      const delivery = JSON.parse(data) as WireDelivery;
      if (!this.#take(delivery, askedAt, held)) over.abort();
    };
    try {
      const path = `/v1/queues/${queue}/deliveries?consumer=${name}-${this.#streams}&prefetch=${PREFETCH}`;
      const response = await fetch(url + path, { signal: AbortSignal.any([signal, over.signal]) });
      if (!response.ok || response.body === null) return;
      const parser = createParser({ onEvent });
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) parser.feed(chunk);
    } catch {
      // However it ends, another stream follows.
    } finally {
      audit.returned(queue, held);
      over.abort();
    }
  }

  /** False when this was too much for it. */
  #take(delivery: WireDelivery, askedAt: number, held: Set<string>): boolean {
    const { audit, queue, judge, onDelivered } = this.#options;
    const at = performance.now();
    audit.delivered(queue, { ...delivery, askedAt, at, isStreamed: true });
    onDelivered(delivery, at);
    held.add(delivery.receipt);
    const verdict = judge(delivery);
    if (verdict === 'die') return false;
    void this.#settle(verdict, delivery.receipt, held);
    return true;
  }

  async #settle(how: 'acknowledge' | 'reject', receipt: string, held: Set<string>): Promise<void> {
    const { onAcknowledged } = this.#options;
    const count = await this.#settler.settle(how, [receipt]);
    if (count > 0) held.delete(receipt);
    if (how === 'acknowledge') onAcknowledged(count);
  }
}
