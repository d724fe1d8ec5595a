import type { QueueName } from '../broker/commands.ts';
import type { QueueStatus } from '../broker/queries.ts';
import type {
  AuditedQueue,
  ObservedDelivery,
  ObservedMs,
  Problem,
  Publication,
  SettlementKind,
  SettlementOutcome,
} from './observations.ts';
import { QueueAudit } from './queue-audit.ts';

/** Told of each; of more, how many. */
const MAX_PROBLEMS = 100;
/** Of deliveries, between two times that what is old is forgotten. */
const PRUNED_AFTER = 5_000;

/** What was seen so far. */
export interface AuditCounts {
  /** Once for each queue that a message was to come to. */
  readonly accepted: number;
  readonly delivered: number;
  /** Deliveries of what had been delivered before, with reason or without. */
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Broken promises of all kinds. */
  readonly problems: number;
}

/**
 * Holds the broker's promises against what its clients saw: whatever was accepted is delivered at least once, or is among
 * the dead letters; in order per key where the queue is fifo; nothing is invented or altered; and a message comes again
 * only where its delivery ran out, was rejected, or its acknowledgement was not confirmed.
 */
export class DeliveryAudit {
  readonly #queues = new Map<QueueName, QueueAudit>();
  readonly #problems: Problem[] = [];
  readonly #kinds = new Map<Problem['kind'], number>();
  readonly #isForeign: (id: string) => boolean;
  #deadLetters = 0;
  #untilPruned = PRUNED_AFTER;

  /** @param isForeign of an id, whether somebody else publishes it, of whom nothing is known @default none is */
  constructor(queues: readonly AuditedQueue[], isForeign: (id: string) => boolean = () => false) {
    this.#isForeign = isForeign;
    const report = (problem: Problem) => this.#report(problem);
    for (const queue of queues) this.#queues.set(queue.name, new QueueAudit(queue, report));
  }

  /** The first ones. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get counts(): AuditCounts {
    const queues = [...this.#queues.values()];
    const sum = (of: (queue: QueueAudit) => number) => queues.reduce((total, queue) => total + of(queue), 0);
    return {
      accepted: sum((queue) => queue.accepted),
      delivered: sum((queue) => queue.delivered),
      duplicates: sum((queue) => queue.duplicates),
      deadLetters: this.#deadLetters,
      lost: this.#kinds.get('lost') ?? 0,
      outOfOrder: this.#kinds.get('out-of-order') ?? 0,
      problems: [...this.#kinds.values()].reduce((total, count) => total + count, 0),
    };
  }

  /** Accepted, and not known to be done with. */
  get open(): number {
    return [...this.#queues.values()].reduce((total, queue) => total + queue.open.length, 0);
  }

  /** When its producer first tried, as far as that is remembered. */
  sentAt(name: QueueName, id: string): ObservedMs | undefined {
    return this.#queue(name).message(id)?.sentAt;
  }

  /** Before it is first sent, to the queues that it is to come to. */
  publishing(queues: readonly QueueName[], publication: Publication, at: ObservedMs): void {
    for (const name of queues) this.#queue(name).publishing(publication, at);
  }

  /** The broker said so, to whichever try. */
  accepted(queues: readonly QueueName[], id: string, sequence: number, isDuplicate: boolean, at: ObservedMs): void {
    for (const name of queues) this.#queue(name).wasAccepted(id, sequence, isDuplicate, at);
  }

  delivered(name: QueueName, observed: ObservedDelivery): void {
    if (this.#isForeign(observed.id)) return;
    this.#takeDeadLetter(name, observed);
    this.#queue(name).wasDelivered(observed);
    this.#untilPruned -= 1;
    if (this.#untilPruned > 0) return;
    this.#untilPruned = PRUNED_AFTER;
    for (const queue of this.#queues.values()) queue.prune(observed.at);
  }

  /** Before it is first sent. */
  settling(name: QueueName, receipt: string, how: SettlementKind, at: ObservedMs): void {
    this.#queue(name).settling(receipt, how, at);
  }

  settled(name: QueueName, receipt: string, outcome: SettlementOutcome): void {
    this.#queue(name).wasSettled(receipt, outcome);
  }

  /** The stream on which these came has ended: the broker gives them to others. */
  returned(name: QueueName, receipts: Iterable<string>): void {
    for (const receipt of receipts) this.#queue(name).wasReturned(receipt);
  }

  /** What the broker says of all its queues, at one time not before `askedAt`. */
  told(statuses: readonly QueueStatus[], askedAt: ObservedMs): void {
    const isEmpty = new Set(
      statuses.filter(({ ready, delayed, inFlight }) => ready + delayed + inFlight === 0).map(({ name }) => name),
    );
    for (const [name, queue] of this.#queues) {
      const dead = queue.deadLetterQueue;
      if (isEmpty.has(name) && (dead === undefined || isEmpty.has(dead))) queue.wasEmpty(askedAt);
    }
  }

  /** After the last delivery. */
  finish(): void {
    for (const queue of this.#queues.values()) queue.finish();
  }

  /** What comes out of a queue of dead letters was in another before. */
  #takeDeadLetter(name: QueueName, { id, at }: ObservedDelivery): void {
    const target = this.#queue(name);
    if (target.message(id) !== undefined) return;
    for (const source of this.#queues.values()) {
      const message = source.deadLetterQueue === name ? source.message(id) : undefined;
      if (message === undefined) continue;
      source.wasDeadLettered(message, at);
      target.publishing({ id, body: message.publication.body }, message.sentAt);
      this.#deadLetters += 1;
    }
  }

  #queue(name: QueueName): QueueAudit {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Error(`the queue ${name} is not audited`);
    return queue;
  }

  #report(problem: Problem): void {
    this.#kinds.set(problem.kind, (this.#kinds.get(problem.kind) ?? 0) + 1);
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}
