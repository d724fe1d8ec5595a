import type { BrokerUsage } from '../../src/broker/broker-machine.ts';
import type {
  Command,
  Delivery,
  NewMessage,
  Published,
  QueueOptions,
  RefusalCode,
  Result,
} from '../../src/broker/commands.ts';
import type { BrokerLimits } from '../../src/broker/limits.ts';
import type { QueueStatus } from '../../src/broker/queries.ts';
import { noTotals } from '../../src/broker/queue.ts';

interface ModelMessage {
  readonly sequence: number;
  readonly message: NewMessage;
  attempt: number;
  stage: 'ready' | 'delayed' | 'inFlight';
  due: number;
}

interface ModelQueue {
  readonly name: string;
  readonly number: number;
  readonly options: QueueOptions;
  messages: ModelMessage[];
  ids: { readonly id: string; readonly sequence: number; readonly at: number }[];
  readonly totals: Omit<QueueStatus, 'name' | 'options' | 'ready' | 'delayed' | 'inFlight'>;
}

type Counted = { -readonly [K in keyof ModelQueue['totals']]: number };

/**
 * What a broker is to do, said as plainly as can be: lists that are searched from the beginning, each time. It knows the
 * commands that the tests make up, which are well formed, and bounds of messages, bytes, ids, queues and copies.
 */
export class BrokerModel {
  readonly #limits: BrokerLimits;
  #queues: ModelQueue[] = [];
  #topics: { readonly name: string; subscriptions: string[]; accepted: number }[] = [];
  #now = 0;
  #sequence = 0;
  #queueNumber = 0;
  #token = 0n;

  constructor(limits: BrokerLimits) {
    this.#limits = limits;
  }

  perform(command: Command, time: number): Result {
    this.#now = time;
    this.#letDue();
    switch (command.type) {
      case 'create-queue':
        return this.#create(command.queue, command.options);
      case 'delete-queue':
        return this.#on(command.queue, (queue) => this.#delete(queue));
      case 'purge-queue':
        return this.#on(command.queue, (queue) => this.#purge(queue));
      case 'create-topic':
        return this.#createTopic(command.topic);
      case 'delete-topic':
        return this.#deleteTopic(command.topic);
      case 'subscribe':
        return this.#subscribe(command.topic, command.subscription, command.options);
      case 'unsubscribe':
        return this.#unsubscribe(command.topic, command.subscription);
      case 'publish':
        return this.#on(command.queue, (queue) => this.#publish(queue, command.messages));
      case 'publish-to-topic':
        return this.#publishToTopic(command.topic, command.messages);
      case 'receive':
        return this.#on(command.queue, (queue) => this.#receive(queue, command.max, command.visibilityMs));
      case 'acknowledge':
      case 'reject':
      case 'extend':
        return this.#on(command.queue, (queue) => this.#settle(queue, command));
      case 'housekeeping':
        if (command.token < this.#token) return refused('fenced');
        this.#token = command.token;
        return DONE;
    }
  }

  statuses(): QueueStatus[] {
    return this.#queues
      .map(({ name, options, messages, totals }) => {
        const count = (stage: ModelMessage['stage']): number => messages.filter((each) => each.stage === stage).length;
        return {
          name,
          options,
          ready: count('ready'),
          delayed: count('delayed'),
          inFlight: count('inFlight'),
          ...totals,
        };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  usage(): BrokerUsage {
    const messages = this.#queues.flatMap((queue) => queue.messages.map(({ message }) => message));
    return {
      queues: this.#queues.length,
      topics: this.#topics.length,
      messages: messages.length,
      bytes: sum(messages),
      ids: idsOf(this.#queues),
    };
  }

  #letDue(): void {
    for (;;) {
      const due = this.#queues
        .flatMap((queue) => queue.messages.map((message) => ({ queue, message })))
        .filter(({ message }) => message.stage !== 'ready' && message.due <= this.#now)
        .sort(
          (a, b) =>
            a.message.due - b.message.due || a.queue.number - b.queue.number || a.message.sequence - b.message.sequence,
        )[0];
      if (due === undefined) break;
      if (due.message.stage === 'delayed') due.message.stage = 'ready';
      else this.#giveBack(due.queue, due.message, 0);
    }
    for (const queue of this.#queues) {
      queue.ids = queue.ids.filter(({ at }) => at + queue.options.deduplicationMs > this.#now);
    }
  }

  #on(name: string, act: (queue: ModelQueue) => Result): Result {
    const queue = this.#queues.find((each) => each.name === name);
    return queue === undefined ? refused('not-found') : act(queue);
  }

  #create(name: string, options: QueueOptions): Result {
    const there = this.#queues.find((each) => each.name === name);
    if (there !== undefined) {
      return JSON.stringify(there.options) === JSON.stringify(options) ? UNCHANGED : refused('exists');
    }
    if (this.#queues.length >= this.#limits.queues) return refused('full');
    const totals = noTotals();
    this.#queueNumber += 1;
    this.#queues.push({ name, number: this.#queueNumber, options, messages: [], ids: [], totals });
    return DONE;
  }

  #delete(queue: ModelQueue): Result {
    this.#queues = this.#queues.filter((each) => each !== queue);
    return DONE;
  }

  #purge(queue: ModelQueue): Result {
    count(queue).dropped += queue.messages.length;
    queue.messages = [];
    return DONE;
  }

  #createTopic(name: string): Result {
    if (this.#topics.some((each) => each.name === name)) return UNCHANGED;
    this.#topics.push({ name, subscriptions: [], accepted: 0 });
    return DONE;
  }

  #deleteTopic(name: string): Result {
    const topic = this.#topics.find((each) => each.name === name);
    if (topic === undefined) return refused('not-found');
    this.#topics = this.#topics.filter((each) => each !== topic);
    for (const each of topic.subscriptions) this.#on(`${name}:${each}`, (queue) => this.#delete(queue));
    return DONE;
  }

  #subscribe(name: string, subscription: string, options: QueueOptions): Result {
    const topic = this.#topics.find((each) => each.name === name);
    if (topic === undefined) return refused('not-found');
    const result = this.#create(`${name}:${subscription}`, options);
    if (result === DONE) topic.subscriptions.push(subscription);
    return result;
  }

  #unsubscribe(name: string, subscription: string): Result {
    const topic = this.#topics.find((each) => each.name === name);
    if (topic === undefined || !topic.subscriptions.includes(subscription)) return refused('not-found');
    topic.subscriptions = topic.subscriptions.filter((each) => each !== subscription);
    return this.#on(`${name}:${subscription}`, (queue) => this.#delete(queue));
  }

  #publish(queue: ModelQueue, messages: readonly NewMessage[]): Result {
    for (const message of messages) {
      const { key, priority, delayMs = 0 } = message;
      if (queue.options.fifo ? priority !== undefined || delayMs > 0 : key !== undefined) return refused('invalid');
    }
    if (!this.#fits([queue], messages)) return refused('full');
    return { type: 'published', messages: messages.map((message) => this.#accept(queue, message)) };
  }

  #publishToTopic(name: string, messages: readonly NewMessage[]): Result {
    const topic = this.#topics.find((each) => each.name === name);
    if (topic === undefined) return refused('not-found');
    const queues = topic.subscriptions.map(
      (each) => this.#queues.find((queue) => queue.name === `${name}:${each}`) as ModelQueue,
    );
    if (messages.length * queues.length > this.#limits.copies) return refused('invalid');
    if (!this.#fits(queues, messages)) return refused('full');
    const published = messages.map((message): Published => {
      const copies = queues.map((queue) => this.#accept(queue, forQueue(queue, message)));
      if (queues.length === 0) this.#sequence += 1;
      const first = copies.find(({ duplicate }) => !duplicate) ?? copies[0];
      if (first?.duplicate !== true) topic.accepted += 1;
      return first ?? { id: message.id, sequence: this.#sequence, duplicate: false };
    });
    return { type: 'published', messages: published };
  }

  #fits(queues: readonly ModelQueue[], messages: readonly NewMessage[]): boolean {
    const all = this.#queues.flatMap((queue) => queue.messages.map(({ message }) => message));
    let [total, bytes, ids] = [all.length, sum(all), idsOf(this.#queues)];
    for (const queue of queues) {
      const fresh = messages.filter(({ id }) => !queue.ids.some((each) => each.id === id));
      if (fresh.length > 0 && queue.messages.length + fresh.length > queue.options.maxMessages) return false;
      total += fresh.length;
      bytes += sum(fresh);
      if (queue.options.deduplicationMs > 0) ids += fresh.length;
    }
    return total <= this.#limits.messages && bytes <= this.#limits.bytes && ids <= this.#limits.ids;
  }

  #accept(queue: ModelQueue, message: NewMessage): Published {
    const { id } = message;
    const known = queue.ids.find((each) => each.id === id);
    if (known !== undefined) {
      count(queue).duplicates += 1;
      return { id, sequence: known.sequence, duplicate: true };
    }
    const sequence = this.#add(queue, message);
    if (queue.options.deduplicationMs > 0) queue.ids.push({ id, sequence, at: this.#now });
    return { id, sequence, duplicate: false };
  }

  #add(queue: ModelQueue, message: NewMessage): number {
    this.#sequence += 1;
    const { delayMs = 0 } = message;
    const stage = delayMs > 0 ? 'delayed' : 'ready';
    queue.messages.push({ sequence: this.#sequence, message, attempt: 0, stage, due: this.#now + delayMs });
    count(queue).accepted += 1;
    return this.#sequence;
  }

  #receive(queue: ModelQueue, max: number, visibilityMs = queue.options.visibilityMs): Result {
    const deliveries: Delivery[] = [];
    let bytes = 0;
    while (deliveries.length < max) {
      const next = queue.messages
        .filter((each) => each.stage === 'ready' && !isBlocked(queue, each))
        .sort((a, b) => priorityOf(b) - priorityOf(a) || a.sequence - b.sequence)[0];
      if (next === undefined) break;
      const { id, body, key, headers = {} } = next.message;
      bytes += sum([next.message]);
      if (bytes > this.#limits.receiveBytes && deliveries.length > 0) break;
      Object.assign(next, { stage: 'inFlight', attempt: next.attempt + 1, due: this.#now + visibilityMs });
      count(queue).deliveries += 1;
      if (next.attempt > 1) count(queue).redeliveries += 1;
      const { sequence, attempt } = next;
      const what = { receipt: `${sequence}.${attempt}`, id, sequence, body, ...(key !== undefined && { key }) };
      deliveries.push({ ...what, priority: priorityOf(next), headers, attempt });
    }
    return { type: 'deliveries', deliveries };
  }

  #settle(queue: ModelQueue, command: Extract<Command, { type: 'acknowledge' | 'reject' | 'extend' }>): Result {
    const settled = command.receipts.map((receipt) => {
      const message = queue.messages.find(
        ({ stage, sequence, attempt }) => stage === 'inFlight' && `${sequence}.${attempt}` === receipt,
      );
      if (message === undefined) return 'unknown-receipt';
      if (command.type === 'extend') message.due = this.#now + command.visibilityMs;
      else if (command.type === 'reject') this.#giveBack(queue, message, command.delayMs);
      else {
        remove(queue, message);
        count(queue).acknowledged += 1;
      }
      return 'done';
    });
    return { type: 'settled', settled };
  }

  #giveBack(queue: ModelQueue, message: ModelMessage, delayMs: number): void {
    const { maxDeliveries, deadLetterQueue } = queue.options;
    if (message.attempt < maxDeliveries) {
      Object.assign(message, { stage: delayMs > 0 ? 'delayed' : 'ready', due: this.#now + delayMs });
      return;
    }
    remove(queue, message);
    const target = this.#queues.find(({ name }) => name === deadLetterQueue);
    const hasRoom = target !== undefined && target.messages.length < target.options.maxMessages;
    if (!hasRoom) {
      count(queue).dropped += 1;
      return;
    }
    count(queue).deadLettered += 1;
    this.#add(target, { ...message.message, delayMs: 0 });
  }
}

const DONE: Result = { type: 'done', changed: true };
const UNCHANGED: Result = { type: 'done', changed: false };

/** The message is for people: what is compared is the code. */
function refused(code: RefusalCode): Result {
  return { type: 'refused', code, message: '' };
}

function count(queue: ModelQueue): Counted {
  return queue.totals;
}

function remove(queue: ModelQueue, message: ModelMessage): void {
  queue.messages = queue.messages.filter((each) => each !== message);
}

/** Whether one of the same key comes before it. */
function isBlocked({ options, messages }: ModelQueue, one: ModelMessage): boolean {
  const key = one.message.key ?? '';
  return (
    options.fifo && messages.some(({ message, sequence }) => (message.key ?? '') === key && sequence < one.sequence)
  );
}

function priorityOf({ message }: ModelMessage): number {
  return message.priority ?? 4;
}

function forQueue({ options }: ModelQueue, { priority, delayMs, ...rest }: NewMessage): NewMessage {
  if (options.fifo) return rest;
  return { ...rest, ...(priority !== undefined && { priority }), ...(delayMs !== undefined && { delayMs }) };
}

function sum(messages: readonly NewMessage[]): number {
  let bytes = 0;
  for (const { id, body, key = '', headers = {} } of messages) {
    bytes += id.length + body.length + key.length + Object.entries(headers).flat().join('').length;
  }
  return bytes;
}

function idsOf(queues: readonly ModelQueue[]): number {
  return queues.reduce((total, { ids }) => total + ids.length, 0);
}
