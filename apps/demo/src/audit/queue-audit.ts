import type {
  AuditedQueue,
  ObservedDelivery,
  ObservedMs,
  Problem,
  ProblemKind,
  Publication,
  SettlementKind,
  SettlementOutcome,
} from './observations.ts';
import { type TrackedDelivery, TrackedMessage } from './tracked-message.ts';

/** What is done with is remembered for so long, for deliveries that come late. */
const REMEMBERED_MS = 60_000;
/** Nodes of one machine, one of which leads after another, may differ so much in what the time is. */
const CLOCKS_MS = 50;

/** The end of a stream may come to be known so much later than what follows from it. */
const END_KNOWN_MS = 5_000;

/** A delivery that was followed by another too early, unless its stream had ended. */
interface Suspicion {
  readonly before: TrackedDelivery;
  readonly at: ObservedMs;
  readonly id: string;
  readonly text: string;
}

/** Those of one key, in order. */
interface KeyOrder {
  next: number;
  /** Published, and not known to be done with. */
  readonly open: Set<TrackedMessage>;
  /** Of all delivered that which was published last, when it first came. */
  latest: { readonly message: TrackedMessage; readonly at: ObservedMs } | undefined;
}

/** What one queue has promised, held against what was seen of it. Times are those of the observers. */
export class QueueAudit {
  readonly #queue: AuditedQueue;
  readonly #report: (problem: Problem) => void;
  readonly #messages = new Map<string, TrackedMessage>();
  readonly #byReceipt = new Map<string, TrackedMessage>();
  readonly #keys = new Map<string, KeyOrder>();
  #suspicions: Suspicion[] = [];
  accepted = 0;
  delivered = 0;
  /** Deliveries of what had been delivered before. */
  duplicates = 0;

  constructor(queue: AuditedQueue, report: (problem: Problem) => void) {
    this.#queue = queue;
    this.#report = report;
  }

  get deadLetterQueue(): string | undefined {
    return this.#queue.deadLetterQueue;
  }

  message(id: string): TrackedMessage | undefined {
    return this.#messages.get(id);
  }

  /** Accepted, and not known to be done with. */
  get open(): readonly TrackedMessage[] {
    return [...this.#messages.values()].filter(({ accepted, isDone }) => accepted !== undefined && !isDone);
  }

  /** Before it is first sent. Those of one key have to be accepted one after the other. */
  publishing(publication: Publication, at: ObservedMs): void {
    const order = this.#orderOf(publication);
    const message = new TrackedMessage(publication, at, order?.next ?? 0);
    if (order !== undefined) {
      order.next += 1;
      order.open.add(message);
    }
    this.#messages.set(publication.id, message);
  }

  /** The broker said so, to whichever try. */
  wasAccepted(id: string, sequence: number, isDuplicate: boolean, at: ObservedMs): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    const { accepted } = message;
    if (accepted === undefined) {
      message.accepted = { sequence, at };
      this.accepted += 1;
      this.#checkSequence(message);
    } else if (!isDuplicate || accepted.sequence !== sequence) {
      this.#tell('accepted-twice', id, `was accepted as number ${accepted.sequence} and again as ${sequence}`);
    }
  }

  wasDelivered(observed: ObservedDelivery): void {
    const message = this.#messages.get(observed.id);
    if (message === undefined) {
      this.#tell('invented', observed.id, 'was delivered, and is none that was published, or was done with long ago');
      return;
    }
    this.#checkContent(message, observed);
    this.#checkAgain(message, observed);
    if (this.#queue.fifo) this.#checkOrder(message, observed);
    if (message.deliveries.length > 0) this.duplicates += 1;
    this.delivered += 1;
    message.deliveries.push({ ...observed, settling: undefined, outcome: undefined, isReturned: false });
    this.#byReceipt.set(observed.receipt, message);
  }

  /** Before it is first sent. */
  settling(receipt: string, how: SettlementKind, at: ObservedMs): void {
    const delivery = this.#deliveryOf(receipt);
    if (delivery !== undefined) delivery.settling ??= { how, at };
  }

  wasSettled(receipt: string, outcome: SettlementOutcome): void {
    const message = this.#byReceipt.get(receipt);
    const delivery = message?.deliveryOf(receipt);
    if (message === undefined || delivery === undefined) return;
    delivery.outcome = outcome;
    if (delivery.settling?.how !== 'acknowledge' || outcome !== 'done') return;
    const later = message.deliveries.find(({ attempt }) => attempt > delivery.attempt);
    if (later !== undefined) {
      const what = `delivery ${delivery.attempt} was acknowledged, though there is delivery ${later.attempt}`;
      this.#tell('settled-late', message.publication.id, what);
    }
    this.#close(message);
  }

  /** The stream on which this came has ended. */
  wasReturned(receipt: string): void {
    const delivery = this.#deliveryOf(receipt);
    if (delivery !== undefined) delivery.isReturned = true;
  }

  /** It was seen in the queue of dead letters. */
  wasDeadLettered(message: TrackedMessage, at: ObservedMs): void {
    const { acknowledged, publication } = message;
    message.deadAt ??= at;
    if (acknowledged !== undefined) {
      const what = `is among the dead letters, though delivery ${acknowledged.attempt} was acknowledged`;
      this.#tell('dead-letter', publication.id, what);
    }
    this.#close(message);
  }

  /**
   * At this time it was empty, and so was its queue of dead letters.
   */
  wasEmpty(at: ObservedMs): void {
    this.#judgeSuspicions(at);
    for (const message of this.open) {
      if ((message.accepted?.at ?? at) < at && !message.mayBeAcknowledged) this.#lost(message);
    }
  }

  /** After the last delivery: whatever was accepted has been done with. */
  finish(): void {
    this.#judgeSuspicions(Infinity);
    for (const message of this.open) {
      if (message.publication.isPoison === true || !message.mayBeAcknowledged) this.#lost(message);
    }
  }

  /** Forgets what was done with long ago. */
  prune(now: ObservedMs): void {
    this.#judgeSuspicions(now);
    for (const [id, message] of this.#messages) {
      const last = message.deadAt ?? message.acknowledged?.settling?.at;
      if (last === undefined || now - last < REMEMBERED_MS) continue;
      this.#messages.delete(id);
      for (const { receipt } of message.deliveries) this.#byReceipt.delete(receipt);
    }
  }

  #lost(message: TrackedMessage): void {
    const { publication, deliveries, accepted } = message;
    const seen = deliveries.length === 0 ? 'was never delivered' : `was delivered ${deliveries.length} times`;
    const missed = publication.isPoison === true ? 'is not among the dead letters' : 'was not acknowledged';
    this.#tell('lost', publication.id, `was accepted as number ${accepted?.sequence}, ${seen}, ${missed}, and is gone`);
    // Told once.
    message.deadAt = Infinity;
    this.#close(message);
  }

  #checkContent({ publication, sentAt }: TrackedMessage, { id, body, attempt, at }: ObservedDelivery): void {
    if (body !== publication.body) this.#tell('altered', id, 'has another body than was published');
    const waitedMs = at - sentAt;
    const delayMs = publication.delayMs ?? 0;
    if (waitedMs < delayMs - CLOCKS_MS) {
      this.#tell('too-early', id, `came after ${waitedMs.toFixed(0)} ms, and was to be delayed by ${delayMs}`);
    }
    if (attempt > this.#queue.maxDeliveries) {
      this.#tell('too-often', id, `came as delivery ${attempt}, and ${this.#queue.maxDeliveries} are allowed`);
    }
  }

  /** A message comes again only where a delivery ran out, was rejected or returned, and was not acknowledged. */
  #checkAgain(message: TrackedMessage, { id, receipt, attempt, askedAt, at }: ObservedDelivery): void {
    const { acknowledged, deadAt } = message;
    const again = message.deliveries.find((delivery) => delivery.receipt === receipt || delivery.attempt === attempt);
    if (again !== undefined) this.#tell('unwarranted', id, `came twice as delivery ${attempt}`);
    if (acknowledged !== undefined && attempt > acknowledged.attempt) {
      const what = `came as delivery ${attempt}, after delivery ${acknowledged.attempt} had been acknowledged`;
      this.#tell('unwarranted', id, what);
    }
    if (deadAt !== undefined && askedAt > deadAt) this.#tell('unwarranted', id, 'came after it was a dead letter');
    const before = message.deliveries.find((delivery) => delivery.attempt === attempt - 1);
    if (before !== undefined && !this.#mayHaveEnded(before, at)) {
      const afterMs = (at - before.askedAt).toFixed(0);
      const text = `came as delivery ${attempt} when ${attempt - 1} had run for ${afterMs} ms`;
      if (before.isStreamed === true) this.#suspicions.push({ before, at, id, text });
      else this.#tell('unwarranted', id, text);
    }
  }

  #judgeSuspicions(now: ObservedMs): void {
    const isOpen = ({ at }: Suspicion) => now - at < END_KNOWN_MS;
    for (const suspicion of this.#suspicions) {
      if (isOpen(suspicion) || suspicion.before.isReturned) continue;
      this.#tell('unwarranted', suspicion.id, suspicion.text);
    }
    this.#suspicions = this.#suspicions.filter((suspicion) => isOpen(suspicion));
  }

  #mayHaveEnded({ askedAt, settling, outcome, isReturned }: TrackedDelivery, at: ObservedMs): boolean {
    const isRejected = settling?.how === 'reject' && settling.at <= at && outcome !== 'unknown-receipt';
    return isReturned || isRejected || at - askedAt >= this.#queue.visibilityMs - CLOCKS_MS;
  }

  /** Of one key the next comes when the one before is acknowledged or given up: at least, that must have been tried. */
  #checkOrder(message: TrackedMessage, { id, askedAt, at }: ObservedDelivery): void {
    const order = this.#orderOf(message.publication);
    if (order === undefined) return;
    for (const other of order.open) {
      if (other.place >= message.place || other.accepted === undefined || this.#mayBeOver(other)) continue;
      this.#tell('out-of-order', id, `came before ${other.publication.id} of its key was done with`);
    }
    const { latest } = order;
    if (latest !== undefined && latest.message.place > message.place && latest.at < askedAt) {
      this.#tell('out-of-order', id, `came after ${latest.message.publication.id} of its key`);
    }
    if (latest === undefined || latest.message.place < message.place) order.latest = { message, at };
  }

  #mayBeOver(message: TrackedMessage): boolean {
    return message.isDone || message.mayBeAcknowledged || message.attempts >= this.#queue.maxDeliveries;
  }

  #checkSequence(message: TrackedMessage): void {
    const order = this.#orderOf(message.publication);
    if (order === undefined) return;
    const sequence = message.accepted?.sequence ?? 0;
    for (const other of order.open) {
      if (other.place < message.place && (other.accepted?.sequence ?? 0) > sequence) {
        const what = `is number ${sequence}, and ${other.publication.id}, published before it, has a higher one`;
        this.#tell('out-of-order', message.publication.id, what);
      }
    }
  }

  #orderOf({ key }: Publication): KeyOrder | undefined {
    if (!this.#queue.fifo) return undefined;
    const name = key ?? '';
    const known = this.#keys.get(name);
    const order = known ?? { next: 0, open: new Set<TrackedMessage>(), latest: undefined };
    if (known === undefined) this.#keys.set(name, order);
    return order;
  }

  #close(message: TrackedMessage): void {
    this.#orderOf(message.publication)?.open.delete(message);
  }

  #deliveryOf(receipt: string): TrackedDelivery | undefined {
    return this.#byReceipt.get(receipt)?.deliveryOf(receipt);
  }

  #tell(kind: ProblemKind, id: string, what: string): void {
    this.#report({ kind, text: `${this.#queue.name}: ${id} ${what}` });
  }
}
