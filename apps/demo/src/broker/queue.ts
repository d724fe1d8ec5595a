import type { QueueOptions } from './commands.ts';
import { QueueContent } from './queue-content.ts';
import type { QueueStatus } from './queries.ts';
import { RememberedIds } from './remembered-ids.ts';

/** Totals since the queue was made. */
export interface QueueTotals {
  accepted: number;
  acknowledged: number;
  duplicates: number;
  deliveries: number;
  redeliveries: number;
  deadLettered: number;
  dropped: number;
}

/** A queue: of its own, or of a subscription. */
export class Queue {
  readonly name: string;
  /** No other one had it, nor will. */
  readonly number: number;
  readonly options: QueueOptions;
  readonly totals: QueueTotals;
  readonly ids: RememberedIds;
  content: QueueContent;
  /** In the heap of those in which something is due at some time. */
  place = -1;
  /** When something is due. */
  due: number = Number.POSITIVE_INFINITY;

  constructor(name: string, number: number, options: QueueOptions, totals: QueueTotals = noTotals()) {
    this.name = name;
    this.number = number;
    this.options = options;
    this.totals = totals;
    this.ids = new RememberedIds(options.deduplicationMs);
    this.content = new QueueContent(number, options.fifo);
  }

  get nextDue(): number {
    return Math.min(this.content.timed.first?.due ?? Number.POSITIVE_INFINITY, this.ids.due);
  }

  get status(): QueueStatus {
    const { name, options, totals, content } = this;
    const { readyCount: ready, delayedCount: delayed, inFlightCount: inFlight } = content;
    return { name, options, ready, delayed, inFlight, ...totals };
  }

  purge(epoch: number): void {
    this.totals.dropped += this.content.size;
    this.content.purgedAt = epoch;
    this.content = new QueueContent(this.number, this.options.fifo);
  }
}

/** Of a queue that was made just now. */
export function noTotals(): QueueTotals {
  return {
    accepted: 0,
    acknowledged: 0,
    duplicates: 0,
    deliveries: 0,
    redeliveries: 0,
    deadLettered: 0,
    dropped: 0,
  };
}
