import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../audit/observations.ts';
import type { DeliveryAudit } from '../audit/delivery-audit.ts';
import type { QueueName } from '../broker/commands.ts';
import type { NodesClient } from './nodes-client.ts';
import type { Problem } from './problem.ts';

/** From one publication to the next of the same producer. */
const REST_MS = 25;
/** One in so many is published once more, as by a client that has forgotten that it was accepted. */
const AGAIN = 40;

/** A message to publish. */
export interface Draft extends Publication {
  readonly priority?: number;
}

/** Where a producer publishes to, and what. */
export interface Line {
  /** Under `/v1`. */
  readonly path: string;
  /** Where each message is to come to. */
  readonly queues: readonly QueueName[];
  /** @param number from 0, one more for each */
  readonly draft: (number: number) => readonly Draft[];
}

/** What became of a publication. */
export interface Accepted {
  readonly count: number;
  /** When it was first sent, and when it was known to be accepted. */
  readonly sentAt: number;
  readonly at: number;
}

export interface ProducerOptions {
  readonly client: NodesClient;
  readonly audit: DeliveryAudit;
  readonly line: Line;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  readonly onAccepted: (accepted: Accepted) => void;
  /** What no client should ever be told. */
  readonly onRefused: (text: string) => void;
}

interface PublishAnswer {
  readonly messages: readonly { readonly id: string; readonly sequence: number; readonly duplicate: boolean }[];
}

/** Publishes one thing after the other, each until it is known to be accepted, under ids of its own. */
export class Producer {
  readonly #options: ProducerOptions;
  #number = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Until the signal aborts, or `isOn` says so once what is under way is known to be accepted. */
  async run(isOn: () => boolean): Promise<void> {
    const { signal, line } = this.#options;
    while (isOn() && !signal.aborted) {
      const drafts = line.draft(this.#number);
      this.#number += 1;
      await this.publish(drafts);
      if (this.#number % AGAIN === 0) await this.#send(drafts).catch(() => undefined);
      await sleep(REST_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves when they are known to be accepted, or the signal has aborted. */
  async publish(drafts: readonly Draft[]): Promise<void> {
    const { audit, line, onAccepted } = this.#options;
    const sentAt = performance.now();
    for (const draft of drafts) audit.publishing(line.queues, draft, sentAt);
    const count = await this.#send(drafts).catch(() => 0);
    if (count > 0) onAccepted({ count, sentAt, at: performance.now() });
  }

  async #send(drafts: readonly Draft[]): Promise<number> {
    const { client, audit, line, signal, onRefused } = this.#options;
    const messages = drafts.map(wireMessage);
    const { status, body } = await client.persist({ method: 'POST', path: line.path, body: { messages }, signal });
    if (status >= 300) {
      onRefused(`${line.path}: ${status} ${(body as Problem).detail}`);
      return 0;
    }
    const answer = body as PublishAnswer;
    const at = performance.now();
    for (const { id, sequence, duplicate } of answer.messages) {
      audit.accepted(line.queues, id, sequence, duplicate, at);
    }
    return answer.messages.length;
  }
}

/** What is known to the audit alone stays here. */
function wireMessage({ id, body, key, delayMs, priority }: Draft): object {
  return { id, body, key, delayMs, priority };
}
