import type { QueueOptions } from './commands.ts';
import { IndexedHeap } from './indexed-heap.ts';
import type { BrokerLimits } from './limits.ts';
import { Message, type MessageContent, state } from './message.ts';
import { MessageStore } from './message-store.ts';
import { Queue, type QueueTotals } from './queue.ts';

/** For each page that is swept, so much of what is due may take effect. */
const DUE_A_PAGE = 8;

export interface Topic {
  /** By the names of the subscriptions. */
  readonly subscriptions: Map<string, Queue>;
  accepted: number;
}

/**
 * All queues and topics, and what may be done to them. What is due takes effect when `letDue` is called, and not before;
 * it takes its time from `now`.
 */
export class BrokerState {
  readonly limits: BrokerLimits;
  readonly queues = new Map<string, Queue>();
  readonly topics = new Map<string, Topic>();
  readonly store = new MessageStore();
  /** Those in which something is due at some time. */
  readonly #dueQueues = new IndexedHeap<Queue>((a, b) => a.due < b.due || (a.due === b.due && a.number < b.number));
  /** Milliseconds of the log. */
  now = 0;
  /** Of the last message. */
  sequence = 0;
  /** Of the queue made last. */
  queueNumber = 0;
  /** The highest fencing token seen. */
  token = 0n;
  messages = 0;
  bytes = 0;
  ids = 0;
  /** Where something came to be handed out, or was given up, since this was looked at. */
  readonly available = new Set<Queue>();
  #sweep: Iterator<void> | undefined;
  /** Something was purged where the sweep has been. */
  #mustSweepAgain = false;

  constructor(limits: BrokerLimits) {
    this.limits = limits;
  }

  addQueue(name: string, options: QueueOptions, number: number = this.queueNumber + 1, totals?: QueueTotals): Queue {
    const queue = new Queue(name, number, options, totals);
    this.queueNumber = Math.max(this.queueNumber, number);
    this.queues.set(name, queue);
    return queue;
  }

  deleteQueue(queue: Queue): void {
    this.purge(queue);
    this.ids -= queue.ids.size;
    this.queues.delete(queue.name);
    if (queue.place >= 0) this.#dueQueues.remove(queue);
  }

  purge(queue: Queue): void {
    const { size, bytes } = queue.content;
    if (size === 0) return;
    this.messages -= size;
    this.bytes -= bytes;
    queue.purge(this.store.epoch);
    if (this.#sweep === undefined) this.#sweep = this.store.sweep();
    else this.#mustSweepAgain = true;
    this.reschedule(queue);
  }

  /** A new message, which comes to be handed out now or when the delay is over. */
  accept(queue: Queue, content: MessageContent, delayMs: number): Message {
    this.sequence += 1;
    const message = new Message(this.sequence, queue.content, content);
    if (delayMs > 0) {
      message.state = state.delayed;
      message.due = this.now + delayMs;
    }
    queue.totals.accepted += 1;
    this.enter(queue, message);
    return message;
  }

  /** Takes a message in as it is. */
  enter(queue: Queue, message: Message): void {
    queue.content.enter(message);
    this.store.add(message);
    this.messages += 1;
    this.bytes += message.content.bytes;
    if (message.state === state.ready) this.available.add(queue);
    else if (message.state === state.delayed) this.#delayed(queue, message);
  }

  remember(queue: Queue, id: string, sequence: number, time: number): void {
    this.ids += queue.ids.add(id, sequence, time);
  }

  /** Hands the next out. */
  handOut(queue: Queue, visibilityMs: number): Message | undefined {
    const message = queue.content.ready.first;
    if (message === undefined) return undefined;
    this.store.touch(message);
    queue.content.handOut(this.now + visibilityMs);
    queue.totals.deliveries += 1;
    if (message.attempt > 1) queue.totals.redeliveries += 1;
    return message;
  }

  /** A message that is in flight is done with. */
  acknowledge(queue: Queue, message: Message): void {
    this.#remove(queue, message);
    queue.totals.acknowledged += 1;
  }

  /** A delivery has ended, and not with success. */
  giveBack(queue: Queue, message: Message, delayMs: number): void {
    if (message.attempt >= queue.options.maxDeliveries) return this.#giveUp(queue, message);
    this.store.touch(message);
    queue.content.comeBack(message, delayMs > 0 ? this.now + delayMs : undefined);
    if (delayMs === 0) this.available.add(queue);
    else this.#delayed(queue, message);
  }

  extend(queue: Queue, message: Message, visibilityMs: number): void {
    this.store.touch(message);
    queue.content.extend(message, this.now + visibilityMs);
  }

  /** Looks again when something is due here. To be called when all is done to a queue. */
  reschedule(queue: Queue): void {
    const due = queue.nextDue;
    if (due === queue.due) return;
    queue.due = due;
    const isScheduled = queue.place >= 0;
    if (due === Number.POSITIVE_INFINITY) {
      if (isScheduled) this.#dueQueues.remove(queue);
    } else if (isScheduled) this.#dueQueues.moved(queue);
    else this.#dueQueues.push(queue);
  }

  /**
   * Lets what is due take effect: what is due first, first. Purged messages are swept away, too.
   * @param most so much of it; later calls do the rest
   */
  letDue(most: number): void {
    for (let count = 0; count < most; count += 1) {
      const queue = this.#dueQueues.first;
      if (queue === undefined || queue.due > this.now) break;
      const message = queue.content.timed.first;
      if (message?.due === queue.due) this.#isDue(queue, message);
      else this.#forgetId(queue);
      this.reschedule(queue);
    }
    for (let count = 0; count < most && this.#sweep !== undefined; count += DUE_A_PAGE) {
      if (this.#sweep.next().done !== true) continue;
      this.#sweep = this.#mustSweepAgain ? this.store.sweep() : undefined;
      this.#mustSweepAgain = false;
    }
  }

  /** Whoever waits for what is due first may have to wait for less long. */
  #delayed(queue: Queue, message: Message): void {
    if (queue.content.timed.first === message) this.available.add(queue);
  }

  #isDue(queue: Queue, message: Message): void {
    if (message.state === state.inFlight) return this.giveBack(queue, message, 0);
    this.store.touch(message);
    queue.content.comeBack(message, undefined);
    this.available.add(queue);
  }

  #forgetId(queue: Queue): void {
    queue.ids.forgetFirst();
    this.ids -= 1;
  }

  #giveUp(queue: Queue, message: Message): void {
    const { deadLetterQueue } = queue.options;
    this.#remove(queue, message);
    // Whoever had it has room for another.
    this.available.add(queue);
    const target = deadLetterQueue === undefined ? undefined : this.queues.get(deadLetterQueue);
    if (target === undefined || target.content.size >= target.options.maxMessages) {
      queue.totals.dropped += 1;
      return;
    }
    queue.totals.deadLettered += 1;
    this.accept(target, message.content, 0);
  }

  #remove(queue: Queue, message: Message): void {
    this.store.remove(message);
    this.messages -= 1;
    this.bytes -= message.content.bytes;
    const next = queue.content.leave(message);
    if (next === undefined) return;
    this.store.touch(next);
    queue.content.followed(next);
    this.available.add(queue);
  }
}
