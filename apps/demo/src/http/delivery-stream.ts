import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../broker/commands.ts';
import type { Consumer, Dispatcher } from './dispatcher.ts';
import type { EventStream } from './event-stream.ts';
import { shownDelivery } from './messages.ts';
import type { Problem } from './problem.ts';

/** Beyond which a client that reads slowly gets no more. */
const SLOW_BYTES = 256 * 1024;
const SLOW_CHECK_MS = 100;
/** From one look whether this copy has caught up to the next, where it can't tell. */
const CATCH_UP_MS = 100;

export interface DeliveryStreamOptions {
  readonly name: string;
  /** At most so many are not yet settled. */
  readonly prefetch: number;
  readonly visibilityMs: number | undefined;
  readonly requestId: string;
  /** Told of how many were sent. */
  onSent(count: number): void;
  /** Resolves when this node's copy has what was received; to false when that takes too long. */
  caughtUp(): Promise<boolean>;
}

/** A consumer on server-sent events: `delivery` for each, and `problem` before it is over for good. */
export class DeliveryStream implements Consumer {
  readonly name: string;
  readonly visibilityMs: number | undefined;
  readonly isImpatient = false;
  readonly #events: EventStream;
  readonly #dispatcher: Dispatcher;
  readonly #options: DeliveryStreamOptions;
  /** By receipt, whether this node's copy has heard of it: before, it can't say that it is settled. */
  readonly #held = new Map<string, boolean>();
  #slow: NodeJS.Timeout | undefined;

  constructor(events: EventStream, dispatcher: Dispatcher, options: DeliveryStreamOptions) {
    this.name = options.name;
    this.visibilityMs = options.visibilityMs;
    this.#events = events;
    this.#dispatcher = dispatcher;
    this.#options = options;
    events.signal.addEventListener('abort', () => this.#gone(), { once: true });
    dispatcher.add(this);
    if (events.signal.aborted) this.#gone();
  }

  get wants(): number {
    if (this.#events.signal.aborted || this.#isSlow()) return 0;
    return Math.max(0, this.#options.prefetch - this.#held.size);
  }

  take(deliveries: readonly Delivery[]): void {
    for (const { receipt } of deliveries) this.#held.set(receipt, false);
    void this.#know(deliveries);
    let sent = 0;
    for (const delivery of deliveries) if (this.#events.send('delivery', shownDelivery(delivery))) sent += 1;
    this.#options.onSent(sent);
  }

  fail(problem: Problem): void {
    this.#events.send('problem', problem.details(this.#options.requestId));
    this.#events.close();
  }

  end(): void {
    this.#events.close();
  }

  settled(receipts: ReadonlySet<string>): void {
    for (const receipt of this.#held.keys()) if (receipts.has(receipt)) this.#held.delete(receipt);
  }

  review(isOver: (receipt: string) => boolean): void {
    for (const [receipt, isKnown] of this.#held) if (isKnown && isOver(receipt)) this.#held.delete(receipt);
  }

  async #know(deliveries: readonly Delivery[]): Promise<void> {
    // A copy that never heard of them would say that they are over, and there would be room for more without end.
    while (!(await this.#options.caughtUp())) {
      if (this.#events.signal.aborted) return;
      await delay(CATCH_UP_MS);
    }
    for (const { receipt } of deliveries) if (this.#held.has(receipt)) this.#held.set(receipt, true);
    this.#dispatcher.changed();
  }

  #isSlow(): boolean {
    if (this.#events.unreadBytes < SLOW_BYTES) return false;
    this.#slow ??= setTimeout(() => {
      this.#slow = undefined;
      this.#dispatcher.wake();
    }, SLOW_CHECK_MS);
    return true;
  }

  #gone(): void {
    clearTimeout(this.#slow);
    this.#dispatcher.remove(this, [...this.#held.keys()]);
  }
}
