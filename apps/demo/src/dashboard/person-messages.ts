import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { PublishedMessage, PublishedMessages } from './dashboard-events.ts';
import type { ConsumerDoes, MessageRequest } from './control-requests.ts';
import { BrokerClient } from './broker-client.ts';
import type { BrokerClientOptions } from './broker-client.ts';

/** The dashboard's own: what a person publishes is nobody else's to consume. */
const QUEUE = 'dashboard';
const DEAD_LETTERS = 'dashboard-dead';
const KEPT = 20;
const PUBLISH_MS = 15_000;
/** For how long a receive waits for something to come. */
const WAIT_MS = 5000;
const REJECTED_MS = 1000;
const MAX_DELIVERIES = 3;

interface Followed {
  message: PublishedMessage;
  readonly sentAt: number;
}

interface Delivery {
  readonly receipt: string;
  readonly id: string;
  readonly attempt: number;
}

/** Publishes what persons write to a queue of their own, and consumes it there: a client of the broker like any other. */
export class PersonMessages implements Disposable {
  readonly #client: BrokerClient;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  readonly #followed = new Map<string, Followed>();
  #consumer = new AbortController();
  #does: ConsumerDoes = 'acknowledge';
  #isConsuming = false;

  constructor(options: BrokerClientOptions, onChange: () => void) {
    this.#client = new BrokerClient(options);
    this.#onChange = onChange;
  }

  get all(): PublishedMessages {
    return { does: this.#does, messages: [...this.#followed.values()].map(({ message }) => message).reverse() };
  }

  /** Resolves when it is accepted, or not to be in time; what became of it is among the messages. */
  async publish({ text, priority, delayMs }: MessageRequest): Promise<void> {
    const id = `dashboard-${randomUUID()}`;
    this.#follow({ id, text, state: 'sending', steps: [] });
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(PUBLISH_MS)]);
    try {
      const body = { messages: [{ id, body: text, priority, delayMs }] };
      const answer = await this.#client.publish(QUEUE, body, () => this.#createQueues(signal), signal);
      this.#step(id, 'accepted', `accepted by ${answer.node} as number ${answer.sequence}`);
      this.#consume();
    } catch (error) {
      this.#step(id, 'failed', `not known to be accepted: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** From now on. */
  consume(does: ConsumerDoes): void {
    this.#does = does;
    this.#consumer.abort();
    this.#consume();
    this.#onChange();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#consumer.abort();
  }

  async #createQueues(signal: AbortSignal): Promise<void> {
    await this.#client.createQueue(DEAD_LETTERS, {}, signal);
    await this.#client.createQueue(QUEUE, { deadLetterQueue: DEAD_LETTERS, maxDeliveries: MAX_DELIVERIES }, signal);
  }

  #follow(message: PublishedMessage): void {
    this.#followed.set(message.id, { message, sentAt: performance.now() });
    const [oldest] = this.#followed.keys();
    if (this.#followed.size > KEPT && oldest !== undefined) this.#followed.delete(oldest);
    this.#onChange();
  }

  #step(id: string, state: PublishedMessage['state'], what: string): void {
    const followed = this.#followed.get(id);
    if (followed === undefined) return;
    const { message, sentAt } = followed;
    // A delivery may be seen before the answer to publishing: the message is not set back by it.
    const isLate = state === 'accepted' && message.state !== 'sending';
    const step = { what, afterMs: Math.round(performance.now() - sentAt) };
    followed.message = { ...message, state: isLate ? message.state : state, steps: [...message.steps, step] };
    this.#onChange();
  }

  /** From the first message on: a dashboard of which nobody publishes asks nothing of the broker. */
  #consume(): void {
    if (this.#isConsuming || this.#does === 'nothing' || this.#followed.size === 0) return;
    this.#isConsuming = true;
    this.#consumer = new AbortController();
    void this.#consumeUntil(AbortSignal.any([this.#stop.signal, this.#consumer.signal]));
  }

  async #consumeUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { deliveries, node } = await this.#client.receive(QUEUE, WAIT_MS, signal);
        for (const delivery of deliveries) await this.#take(delivery, node, signal);
      } catch {
        // No node answered: the same again in a moment.
        await sleep(REJECTED_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#isConsuming = false;
    if (!this.#stop.signal.aborted) this.#consume();
  }

  async #take({ receipt, id, attempt }: Delivery, node: string, signal: AbortSignal): Promise<void> {
    this.#step(id, 'delivered', `delivered by ${node}, attempt ${attempt}`);
    if (this.#does === 'reject') {
      const body = { receipts: [receipt], delayMs: REJECTED_MS };
      if (!(await this.#client.settle(QUEUE, 'reject', body, signal))) return this.#late(id);
      const isLast = attempt >= MAX_DELIVERIES;
      this.#step(
        id,
        isLast ? 'dead' : 'rejected',
        isLast ? `given up: now in ${DEAD_LETTERS}` : 'rejected: it comes again',
      );
      return;
    }
    if (!(await this.#client.settle(QUEUE, 'acknowledge', { receipts: [receipt] }, signal))) return this.#late(id);
    this.#step(id, 'acknowledged', 'acknowledged');
  }

  /** It may also have been done by an earlier try whose answer was lost: then nothing comes. */
  #late(id: string): void {
    this.#step(id, 'delivered', 'the delivery was over before that could be said');
  }
}
