import type { ObservedDelivery, ObservedMs, Publication, SettlementKind, SettlementOutcome } from './observations.ts';

/** A delivery, and what its consumer did with it. */
export interface TrackedDelivery extends ObservedDelivery {
  /** When it was first tried to settle it. */
  settling: { readonly how: SettlementKind; readonly at: ObservedMs } | undefined;
  outcome: SettlementOutcome | undefined;
  /** The stream that it came on has ended: the broker may give it to another at once. */
  isReturned: boolean;
}

/** All that is known of one message in one queue. */
export class TrackedMessage {
  readonly publication: Publication;
  /** When its producer first tried. */
  readonly sentAt: ObservedMs;
  /** Among those of its key, in the order in which they were published, from 0. */
  readonly place: number;
  readonly deliveries: TrackedDelivery[] = [];
  accepted: { readonly sequence: number; readonly at: ObservedMs } | undefined;
  /** When it was seen among the dead letters. */
  deadAt: ObservedMs | undefined;

  constructor(publication: Publication, sentAt: ObservedMs, place: number) {
    this.publication = publication;
    this.sentAt = sentAt;
    this.place = place;
  }

  /** By a consumer that was told so. */
  get acknowledged(): TrackedDelivery | undefined {
    return this.deliveries.find(({ settling, outcome }) => settling?.how === 'acknowledge' && outcome === 'done');
  }

  /** Whether somebody has tried to acknowledge it and was not told that this did nothing. */
  get mayBeAcknowledged(): boolean {
    return this.deliveries.some(
      ({ settling, outcome }) => settling?.how === 'acknowledge' && outcome !== 'unknown-receipt',
    );
  }

  get isDone(): boolean {
    return this.deadAt !== undefined || this.acknowledged !== undefined;
  }

  /** The highest that was seen; 0 for none. Those that were lost on the way count too. */
  get attempts(): number {
    return this.deliveries.reduce((highest, { attempt }) => Math.max(highest, attempt), 0);
  }

  deliveryOf(receipt: string): TrackedDelivery | undefined {
    return this.deliveries.find((delivery) => delivery.receipt === receipt);
  }
}
