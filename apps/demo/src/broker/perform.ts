import type { BrokerState } from './broker-state.ts';
import { flawOf } from './check-command.ts';
import type { Command, Delivery, QueueOptions, Result, Settlement } from './commands.ts';
import { type Message, state } from './message.ts';
import { publish, publishToTopic } from './publish.ts';
import type { Queue } from './queue.ts';
import { parseReceipt, receiptOf } from './receipt.ts';
import { refused } from './refused.ts';

/** What a command lets become due at once, beside what it brings itself. */
const DUE_AT_ONCE = 1_024;
const DUE_IN_HOUSEKEEPING = 16_384;

const DONE: Result = { type: 'done', changed: true };
const UNCHANGED: Result = { type: 'done', changed: false };

type CommandOf<T extends Command['type']> = Extract<Command, { readonly type: T }>;

/** Does what a command says at this time of the log. What is due by then takes effect before. */
export function perform(broker: BrokerState, command: Command, time: number): Result {
  broker.now = Math.max(broker.now, time);
  broker.letDue(dueAtOnce(broker, command));
  const flaw = flawOf(command, broker.limits);
  return flaw === undefined ? take(broker, command) : refused('invalid', flaw);
}

/** More than the command adds, so that what is due never grows without end. */
function dueAtOnce(broker: BrokerState, command: Command): number {
  if (command.type === 'housekeeping') return DUE_IN_HOUSEKEEPING;
  if (command.type === 'publish') return DUE_AT_ONCE + 2 * command.messages.length;
  if (command.type !== 'publish-to-topic') return DUE_AT_ONCE;
  const copies = broker.topics.get(command.topic)?.subscriptions.size ?? 0;
  return DUE_AT_ONCE + Math.min(2 * command.messages.length * copies, DUE_IN_HOUSEKEEPING);
}

function take(broker: BrokerState, command: Command): Result {
  switch (command.type) {
    case 'create-queue':
      return createQueue(broker, command);
    case 'delete-queue':
      return withQueue(broker, command.queue, (queue) => deleted(broker, queue));
    case 'purge-queue':
      return withQueue(broker, command.queue, (queue) => purged(broker, queue));
    case 'create-topic':
      return createTopic(broker, command);
    case 'delete-topic':
      return deleteTopic(broker, command);
    case 'subscribe':
      return subscribe(broker, command);
    case 'unsubscribe':
      return unsubscribe(broker, command);
    case 'publish':
      return withQueue(broker, command.queue, (queue) => publish(broker, queue, command.messages));
    case 'publish-to-topic':
      return publishToTopic(broker, command.topic, command.messages);
    case 'receive':
      return withQueue(broker, command.queue, (queue) => receive(broker, queue, command));
    case 'acknowledge':
      return settle(broker, command, (queue, message) => broker.acknowledge(queue, message));
    case 'reject':
      return settle(broker, command, (queue, message) => broker.giveBack(queue, message, command.delayMs));
    case 'extend':
      return settle(broker, command, (queue, message) => broker.extend(queue, message, command.visibilityMs));
    case 'housekeeping':
      return housekeeping(broker, command);
  }
}

function withQueue(broker: BrokerState, name: string, act: (queue: Queue) => Result): Result {
  const queue = broker.queues.get(name);
  return queue === undefined ? refused('not-found', `there is no queue ${name}`) : act(queue);
}

function createQueue(broker: BrokerState, { queue, options }: CommandOf<'create-queue'>): Result {
  const there = broker.queues.get(queue);
  if (there !== undefined) return isSame(there.options, options) ? UNCHANGED : alreadyThere(`queue ${queue}`);
  if (broker.queues.size >= broker.limits.queues) return tooMany('queues', broker.limits.queues);
  broker.addQueue(queue, options);
  return DONE;
}

function deleted(broker: BrokerState, queue: Queue): Result {
  broker.deleteQueue(queue);
  return DONE;
}

function purged(broker: BrokerState, queue: Queue): Result {
  broker.purge(queue);
  return DONE;
}

function createTopic(broker: BrokerState, { topic }: CommandOf<'create-topic'>): Result {
  if (broker.topics.has(topic)) return UNCHANGED;
  if (broker.topics.size >= broker.limits.topics) return tooMany('topics', broker.limits.topics);
  broker.topics.set(topic, { subscriptions: new Map(), accepted: 0 });
  return DONE;
}

function deleteTopic(broker: BrokerState, { topic }: CommandOf<'delete-topic'>): Result {
  const there = broker.topics.get(topic);
  if (there === undefined) return refused('not-found', `there is no topic ${topic}`);
  for (const queue of there.subscriptions.values()) broker.deleteQueue(queue);
  broker.topics.delete(topic);
  return DONE;
}

function subscribe(broker: BrokerState, { topic, subscription, options }: CommandOf<'subscribe'>): Result {
  const there = broker.topics.get(topic);
  if (there === undefined) return refused('not-found', `there is no topic ${topic}`);
  const known = there.subscriptions.get(subscription);
  const name = `${topic}:${subscription}`;
  if (known !== undefined) return isSame(known.options, options) ? UNCHANGED : alreadyThere(`subscription ${name}`);
  const { subscriptionsPerTopic, queues } = broker.limits;
  if (there.subscriptions.size >= subscriptionsPerTopic) return tooMany('subscriptions', subscriptionsPerTopic);
  if (broker.queues.size >= queues) return tooMany('queues', queues);
  there.subscriptions.set(subscription, broker.addQueue(name, options));
  return DONE;
}

function unsubscribe(broker: BrokerState, { topic, subscription }: CommandOf<'unsubscribe'>): Result {
  const there = broker.topics.get(topic);
  const queue = there?.subscriptions.get(subscription);
  if (queue === undefined) return refused('not-found', `there is no subscription ${topic}:${subscription}`);
  there?.subscriptions.delete(subscription);
  return deleted(broker, queue);
}

function receive(broker: BrokerState, queue: Queue, { max, visibilityMs }: CommandOf<'receive'>): Result {
  const { receiveBytes } = broker.limits;
  const deliveries: Delivery[] = [];
  let bytes = 0;
  while (deliveries.length < max) {
    bytes += queue.content.ready.first?.content.bytes ?? 0;
    if (bytes > receiveBytes && deliveries.length > 0) break;
    const message = broker.handOut(queue, visibilityMs ?? queue.options.visibilityMs);
    if (message === undefined) break;
    deliveries.push(deliveryOf(message));
  }
  broker.reschedule(queue);
  return { type: 'deliveries', deliveries };
}

function deliveryOf({ content, sequence, attempt }: Message): Delivery {
  const { id, body, key, priority, headers } = content;
  const receipt = receiptOf(sequence, attempt);
  const delivery = { receipt, id, sequence, body: Buffer.from(body, 'latin1'), priority, headers, attempt };
  return key === undefined ? delivery : { ...delivery, key };
}

function settle(
  broker: BrokerState,
  command: { readonly queue: string; readonly receipts: readonly string[] },
  act: (queue: Queue, message: Message) => void,
): Result {
  return withQueue(broker, command.queue, (queue) => {
    const settled = command.receipts.map((receipt): Settlement => {
      const message = delivered(broker, queue, receipt);
      if (message === undefined) return 'unknown-receipt';
      act(queue, message);
      return 'done';
    });
    broker.reschedule(queue);
    return { type: 'settled', settled };
  });
}

/** The message that was handed out with this receipt, and whose delivery has not ended. */
export function delivered(broker: BrokerState, queue: Queue, text: string): Message | undefined {
  const receipt = parseReceipt(text);
  const message = receipt && broker.store.get(receipt.sequence);
  if (message === undefined || message.among !== queue.content || message.state !== state.inFlight) return undefined;
  // It may have ended, and nobody has come to see to it.
  return message.attempt === receipt?.attempt && message.due > broker.now ? message : undefined;
}

function housekeeping(broker: BrokerState, { token }: CommandOf<'housekeeping'>): Result {
  if (token < broker.token) return refused('fenced', `token ${token} is older than ${broker.token}`);
  broker.token = token;
  return DONE;
}

function isSame(one: QueueOptions, other: QueueOptions): boolean {
  return (
    one.fifo === other.fifo &&
    one.visibilityMs === other.visibilityMs &&
    one.maxDeliveries === other.maxDeliveries &&
    one.deadLetterQueue === other.deadLetterQueue &&
    one.deduplicationMs === other.deduplicationMs &&
    one.maxMessages === other.maxMessages
  );
}

function alreadyThere(what: string): Result {
  return refused('exists', `there is a ${what} with other options`);
}

function tooMany(what: string, limit: number): Result {
  return refused('full', `there are ${limit} ${what}`);
}
