import type { BrokerState, Topic } from './broker-state.ts';
import { messageFlaw } from './check-command.ts';
import type { NewMessage, Published, Result } from './commands.ts';
import { type MessageContent, NO_HEADERS } from './message.ts';
import { contentOf, latin1, sizeOf } from './message-content.ts';
import type { Queue } from './queue.ts';
import { refused } from './refused.ts';

const DEFAULT_PRIORITY = 4;

/** All of the messages, or none. Those that are there already count as accepted, and take no room. */
export function publish(broker: BrokerState, queue: Queue, messages: readonly NewMessage[]): Result {
  const flaw = firstFlaw(broker, messages, queue.options.fifo ? 'fifo' : 'plain');
  if (flaw !== undefined) return refused('invalid', flaw);
  const room = new Room(broker);
  const lack = room.lackIn(queue, messages) ?? room.lack;
  if (lack !== undefined) return refused('full', lack);
  const published = messages.map((message) => accept(broker, queue, message, accepted(message)));
  broker.reschedule(queue);
  return { type: 'published', messages: published };
}

/**
 * A copy of each message to each subscription, or none to any: while one subscription is full, none gets anything. What a
 * subscription's kind doesn't have (keys but for `fifo`; priorities and delays for `fifo`) is passed over there.
 */
export function publishToTopic(broker: BrokerState, name: string, messages: readonly NewMessage[]): Result {
  const topic = broker.topics.get(name);
  if (topic === undefined) return refused('not-found', `there is no topic ${name}`);
  const queues = [...topic.subscriptions.values()];
  const { copies } = broker.limits;
  const flaw = firstFlaw(broker, messages, 'topic');
  if (flaw !== undefined) return refused('invalid', flaw);
  if (messages.length * queues.length > copies) {
    return refused('invalid', `${messages.length} messages to ${queues.length} subscriptions are more than ${copies}`);
  }
  const room = new Room(broker);
  for (const queue of queues) {
    const lack = room.lackIn(queue, messages);
    if (lack !== undefined) return refused('full', lack);
  }
  if (room.lack !== undefined) return refused('full', room.lack);
  const published = messages.map((message) => acceptCopies(broker, topic, queues, message));
  for (const queue of queues) broker.reschedule(queue);
  return { type: 'published', messages: published };
}

function acceptCopies(broker: BrokerState, topic: Topic, queues: readonly Queue[], message: NewMessage): Published {
  const content = accepted(message);
  let first: Published | undefined;
  for (const queue of queues) {
    const copy = accept(broker, queue, forQueue(queue, message), queue.options.fifo ? forFifo(content) : content);
    if (first === undefined || (first.duplicate && !copy.duplicate)) first = copy;
  }
  // Nobody hears it, but it was accepted.
  if (queues.length === 0) broker.sequence += 1;
  if (first?.duplicate !== true) topic.accepted += 1;
  return first ?? { id: message.id, sequence: broker.sequence, duplicate: false };
}

function accept(broker: BrokerState, queue: Queue, message: NewMessage, content: MessageContent): Published {
  const { id } = message;
  const known = queue.ids.sequenceOf(id, broker.now);
  if (known !== undefined) {
    queue.totals.duplicates += 1;
    return { id, sequence: known, duplicate: true };
  }
  const { sequence } = broker.accept(queue, content, message.delayMs ?? 0);
  broker.remember(queue, id, sequence, broker.now);
  return { id, sequence, duplicate: false };
}

function firstFlaw(
  broker: BrokerState,
  messages: readonly NewMessage[],
  kind: 'fifo' | 'plain' | 'topic',
): string | undefined {
  for (const message of messages) {
    const flaw = messageFlaw(message, broker.limits, kind);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function accepted({ id, body, key, priority = DEFAULT_PRIORITY, headers = NO_HEADERS }: NewMessage): MessageContent {
  return contentOf({ id, body: latin1(body), key, priority, headers });
}

/** Order is all that counts there. */
function forFifo(content: MessageContent): MessageContent {
  return content.priority === DEFAULT_PRIORITY ? content : { ...content, priority: DEFAULT_PRIORITY };
}

function forQueue(queue: Queue, message: NewMessage): NewMessage {
  return queue.options.fifo && message.delayMs !== undefined ? { ...message, delayMs: 0 } : message;
}

/** What messages would take of the broker's bounds. One that a batch has twice counts twice. */
class Room {
  readonly #broker: BrokerState;
  #messages = 0;
  #bytes = 0;
  #ids = 0;

  constructor(broker: BrokerState) {
    this.#broker = broker;
  }

  /** What the whole broker lacks. */
  get lack(): string | undefined {
    const { messages, bytes, ids, limits } = this.#broker;
    if (messages + this.#messages > limits.messages) return `the broker holds at most ${limits.messages} messages`;
    if (bytes + this.#bytes > limits.bytes) return `the broker holds at most ${limits.bytes} bytes`;
    if (ids + this.#ids > limits.ids) return `the broker remembers at most ${limits.ids} ids`;
    return undefined;
  }

  /** What one queue lacks. */
  lackIn(queue: Queue, messages: readonly NewMessage[]): string | undefined {
    let count = 0;
    for (const { id, body, key, headers } of messages) {
      if (queue.ids.sequenceOf(id, this.#broker.now) !== undefined) continue;
      count += 1;
      this.#bytes += sizeOf(id, body.length, key, headers ?? NO_HEADERS);
    }
    this.#messages += count;
    if (queue.options.deduplicationMs > 0) this.#ids += count;
    const { maxMessages } = queue.options;
    const isFull = count > 0 && queue.content.size + count > maxMessages;
    return isFull ? `${queue.name} holds at most ${maxMessages} messages` : undefined;
  }
}
