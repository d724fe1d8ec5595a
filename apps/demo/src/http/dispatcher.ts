import type { Delivery, QueueName } from '../broker/commands.ts';
import type { Broker } from './broker.ts';
import type { LocalView } from './local-view.ts';
import { type Problem, problemOf } from './problem.ts';
import { MAX_RECEIVE } from './schemas.ts';

/** Somebody who waits for deliveries of a queue. */
export interface Consumer {
  readonly name: string;
  readonly visibilityMs: number | undefined;
  /** How many it takes now; nothing any more once it is over. */
  readonly wants: number;
  /** Wants to know now, of whoever leads, whether there is anything. */
  readonly isImpatient: boolean;
  /** Of deliveries no more than it wants; of none, where it was impatient and there are none. */
  take(deliveries: readonly Delivery[]): void;
  /** There will be nothing for it. */
  fail(problem: Problem): void;
  /** The node is about to stop. */
  end(): void;
  /** A client has settled these by this node, whoever holds them. */
  settled(receipts: ReadonlySet<string>): void;
  /** Looks which of those that this node's copy knows of are its no longer. */
  review(isOver: (receipt: string) => boolean): void;
}

export interface DispatcherParts {
  readonly broker: Broker;
  readonly local: LocalView;
  /** This node. */
  readonly id: string;
  /** Called when nobody waits any more. */
  onIdle(): void;
}

const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 1_000;
const MAX_TIMER_MS = 3_600_000;

/**
 * Receives for all who wait for one queue on this node: with one command at a time for all of them, when this node's copy says
 * that there is something, or will be by then. What comes is shared out among them in turns.
 */
export class Dispatcher {
  readonly #queue: QueueName;
  readonly #parts: DispatcherParts;
  readonly #consumers = new Set<Consumer>();
  /** Of what is given back and not yet confirmed. */
  readonly #givingBack = new Set<Promise<void>>();
  /** While something is asked for. */
  #working: Promise<void> | undefined;
  /** For whom. */
  #receivingFor: readonly Consumer[] = [];
  #isScheduled = false;
  #isClosed = false;
  /** The copy may have changed what it says of who holds what. */
  #hasChanged = false;
  #timer: NodeJS.Timeout | undefined;
  /** Attempts in a row that have failed, or got nothing though there was to be something. */
  #inVain = 0;
  #pausedUntil = 0;
  /** Of the last attempt. */
  #trouble: Problem | undefined;

  constructor(queue: QueueName, parts: DispatcherParts) {
    this.#queue = queue;
    this.#parts = parts;
  }

  /** Why nothing can be received just now, as far as that is so. */
  get trouble(): Problem | undefined {
    return this.#trouble;
  }

  /** Whether something is asked for that may come to this one: then it is told soon, also where nothing came if it is impatient. */
  isReceivingFor(consumer: Consumer): boolean {
    return this.#receivingFor.includes(consumer);
  }

  add(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.wake();
  }

  /** Gives back what it holds and has not settled. */
  remove(consumer: Consumer, receipts: readonly string[]): void {
    this.#consumers.delete(consumer);
    this.giveBack(receipts);
    if (this.#isIdle) this.#rest();
  }

  /** Something has changed: of the queue here, or of what a consumer wants. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#work();
    });
  }

  /** The queue is not what it was, on this node's copy. */
  changed(): void {
    this.#hasChanged = true;
    this.wake();
  }

  /** A client has settled these by this node. */
  settled(receipts: ReadonlySet<string>): void {
    for (const consumer of this.#consumers) consumer.settled(receipts);
    this.wake();
  }

  /** They are handed to others at once, though they count as delivered once more. */
  giveBack(receipts: readonly string[]): void {
    if (receipts.length === 0) return;
    const command = { type: 'reject', queue: this.#queue, receipts, delayMs: 0 } as const;
    // Where that fails, they are there again when their time is over.
    const given = this.#parts.broker.run(command, 'settled').then(
      () => undefined,
      () => undefined,
    );
    this.#givingBack.add(given);
    void given.then(() => {
      this.#givingBack.delete(given);
      if (this.#isIdle) this.#rest();
    });
  }

  /** Ends all who wait, and resolves when what they held is given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const consumer of this.#consumers) consumer.end();
    await this.#working;
    await Promise.all(this.#givingBack);
  }

  get #isIdle(): boolean {
    return this.#consumers.size === 0 && this.#givingBack.size === 0 && this.#working === undefined;
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#parts.onIdle();
  }

  #work(): void {
    if (this.#hasChanged) this.#lookAtHeld();
    this.#working ??= this.#receiveAll().finally(() => {
      this.#working = undefined;
      if (this.#isIdle) this.#rest();
      else this.#arm();
    });
  }

  async #receiveAll(): Promise<void> {
    for (let group = this.#next(); group.length > 0 && !this.#isClosed; group = this.#next()) {
      await this.#receive(group);
    }
  }

  /** Who settled by another node, or took too long, has room for more. */
  #lookAtHeld(): void {
    this.#hasChanged = false;
    const { local } = this.#parts;
    const isOver = (receipt: string) => !local.isInFlight(this.#queue, receipt);
    for (const consumer of this.#consumers) consumer.review(isOver);
  }

  /** Whom to receive for now: all who want deliveries for the same time. */
  #next(): readonly Consumer[] {
    const waiting = [...this.#consumers].filter(({ wants }) => wants > 0);
    if (waiting.length === 0) return waiting;
    const isDue = performance.now() >= this.#pausedUntil && this.#dueInMs === 0;
    const first = waiting.find(({ isImpatient }) => isDue || isImpatient);
    return first === undefined ? [] : waiting.filter(({ visibilityMs }) => visibilityMs === first.visibilityMs);
  }

  /** Of a queue that this copy doesn't know whoever leads is asked at once. */
  get #dueInMs(): number | undefined {
    const { local } = this.#parts;
    return local.has(this.#queue) ? local.dueInMs(this.#queue) : 0;
  }

  async #receive(group: readonly Consumer[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const max = Math.min(
      MAX_RECEIVE,
      group.reduce((sum, { wants }) => sum + wants, 0),
    );
    const consumer = group.length === 1 ? first.name : this.#parts.id;
    const { visibilityMs } = first;
    const command = { type: 'receive', queue: this.#queue, consumer, max } as const;
    this.#receivingFor = group;
    try {
      const whole = visibilityMs === undefined ? command : { ...command, visibilityMs };
      const { deliveries } = await this.#parts.broker.run(whole, 'deliveries');
      this.#receivingFor = [];
      this.#trouble = undefined;
      this.#share(deliveries, group);
      if (deliveries.length < max) await this.#parts.broker.caughtUp(this.#queue);
      if (deliveries.length === 0) this.#pause();
      else this.#inVain = 0;
    } catch (error) {
      this.#receivingFor = [];
      this.#failed(problemOf(error), group);
    }
  }

  /** One each, until there are none left or nobody wants more. */
  #share(deliveries: readonly Delivery[], group: readonly Consumer[]): void {
    const shares = new Map<Consumer, Delivery[]>(group.map((consumer) => [consumer, []]));
    let open = group.filter(({ wants }) => wants > 0);
    let at = 0;
    while (at < deliveries.length && open.length > 0) {
      for (const consumer of open) {
        const delivery = deliveries[at];
        if (delivery === undefined) break;
        shares.get(consumer)?.push(delivery);
        at += 1;
      }
      open = open.filter((consumer) => consumer.wants > (shares.get(consumer)?.length ?? 0));
    }
    for (const [consumer, share] of shares) {
      if (share.length > 0 || consumer.isImpatient) consumer.take(share);
      // Next time the others come first, also those who want deliveries for another time.
      if (share.length > 0 && this.#consumers.delete(consumer)) this.#consumers.add(consumer);
    }
    this.giveBack(deliveries.slice(at).map(({ receipt }) => receipt));
  }

  #failed(problem: Problem, group: readonly Consumer[]): void {
    if (problem.code === 'NOT_FOUND') {
      for (const consumer of this.#consumers) consumer.fail(problem);
      return;
    }
    this.#trouble = problem;
    this.#pause();
    const isHopeless = problem.code === 'INVALID';
    for (const consumer of group) if (isHopeless || consumer.isImpatient) consumer.fail(problem);
  }

  /** Nothing is received for nothing without a pause that grows. */
  #pause(): void {
    const pauseMs = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** this.#inVain);
    this.#inVain = Math.min(10, this.#inVain + 1);
    // What this copy says is believed again when it has changed its mind.
    const isDue = this.#trouble !== undefined || this.#dueInMs === 0;
    this.#pausedUntil = isDue ? performance.now() + pauseMs : 0;
    if (!isDue) this.#inVain = 0;
  }

  /** Wakes when something is due that nobody will tell of. */
  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || ![...this.#consumers].some(({ wants }) => wants > 0)) return;
    const dueInMs = this.#dueInMs;
    if (dueInMs === undefined) return;
    const pauseMs = this.#pausedUntil - performance.now();
    this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.min(MAX_TIMER_MS, Math.max(dueInMs, pauseMs))));
    this.#timer.unref();
  }
}
