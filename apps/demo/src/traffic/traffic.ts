import { DeliveryAudit } from '../audit/delivery-audit.ts';
import type { QueueName } from '../broker/commands.ts';
import type { QueueStatus } from '../broker/queries.ts';
import type { TrafficReading } from '../dashboard/dashboard-state.ts';
import { isPoison, linesOf, probes } from './lines.ts';
import { Meter } from './meter.ts';
import { NoAnswer, NodesClient, pause } from './nodes-client.ts';
import { type ConsumerOptions, PollingConsumer, type Verdict, type WireDelivery } from './polling-consumer.ts';
import { Prober } from './prober.ts';
import { type Accepted, type Line, Producer } from './producer.ts';
import { setUp } from './set-up.ts';
import { StreamingConsumer } from './streaming-consumer.ts';
import { DEAD_ORDERS, WORKLOAD } from './workload.ts';

/** Shares of all deliveries that are rejected, and that their consumer dies of. */
const REJECTED = 0.02;
const FATAL = 0.004;
/** From one look at what the broker says of its queues to the next. */
const LOOK_MS = 2_000;
const DRAIN_LOOK_MS = 100;

export interface TrafficOptions {
  /** Where the nodes' HTTP APIs are. */
  readonly urls: readonly string[];
  /** Within which a node that lives answers. */
  readonly timeoutMs: number;
  /** The broker may have messages of earlier runs, of which nothing is known. */
  readonly hasPast: boolean;
}

/** What is seen of a broker that works again. Times of `performance.now()`. */
export interface Served {
  /** When something was accepted that was first sent after it was asked for. */
  readonly acceptedAt: number;
  /** When something of that was delivered. */
  readonly deliveredAt: number;
}

interface Waiting {
  readonly since: number;
  acceptedAt: number | undefined;
  deliveredAt: number | undefined;
  resolve(served: Served): void;
}

/** Producers and consumers of the demo's queues, and the audit of what they see. Disposing ends all at once. */
export class Traffic implements AsyncDisposable {
  readonly audit: DeliveryAudit;
  /** What no client should have been told. */
  readonly refusals: string[] = [];
  readonly #options: TrafficOptions;
  readonly #stop = new AbortController();
  readonly #clients: NodesClient[] = [];
  readonly #published = new Meter(() => performance.now());
  readonly #acknowledged = new Meter(() => performance.now());
  readonly #waiting = new Set<Waiting>();
  readonly #prober: Prober;
  readonly #run = `r${Date.now().toString(36)}`;
  #lastAcceptedAt: number | undefined;
  #longestGapMs = 0;
  #isOn = false;
  #producing: Promise<unknown> = Promise.resolve();
  #rest: Promise<unknown> = Promise.resolve();
  #producers: readonly Producer[] = [];
  #failed: readonly { readonly at: number; readonly count: number }[] = [];

  constructor(options: TrafficOptions) {
    this.#options = options;
    const isForeign = (id: string) => options.hasPast && !id.startsWith(`${this.#run}-`);
    this.audit = new DeliveryAudit(WORKLOAD, isForeign);
    const line = probes(this.#run);
    let first = 0;
    this.#prober = new Prober(line, () => this.#producer(line, this.#clientOf((first += 1))));
  }

  /** Makes the queues and begins. @throws Error when that can't be done, the signal's reason */
  async start(signal: AbortSignal): Promise<void> {
    await setUp(this.#client(), WORKLOAD, AbortSignal.any([signal, this.#stop.signal]));
    this.#producers = linesOf(this.#run).map((line) => this.#producer(line, this.#client()));
    this.#rest = Promise.all([...this.#consumers(), this.#look()]);
    this.resume();
  }

  /** Publishes again. */
  resume(): void {
    if (this.#isOn || this.#stop.signal.aborted) return;
    this.#isOn = true;
    const before = this.#producing;
    const all = () => Promise.all(this.#producers.map((producer) => producer.run(() => this.#isOn)));
    this.#producing = before.then(all);
  }

  /** Publishes no more. Resolves when all that was under way is known to be accepted. */
  async halt(): Promise<void> {
    this.#isOn = false;
    await Promise.all([this.#producing, this.#prober.ended()]);
  }

  read(): TrafficReading {
    const { count, p50Ms, p99Ms } = this.#published.read();
    const isRunning = this.#isOn && this.#producers.length > 0;
    return {
      isRunning,
      published: count,
      acknowledged: this.#acknowledged.read().count,
      failed: this.#failures(),
      p50Ms,
      p99Ms,
    };
  }

  /**
   * Resolves when something that is first sent from now on was accepted, and something of it was delivered. Until then a
   * client more comes every few moments, as those that are here may all be waiting for an answer.
   */
  async served(): Promise<Served> {
    const probing = new AbortController();
    const signal = AbortSignal.any([probing.signal, this.#stop.signal]);
    const [served] = await Promise.all([
      this.#waitForService().finally(() => probing.abort()),
      this.#prober.run(signal),
    ]);
    return served;
  }

  #waitForService(): Promise<Served> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        since: performance.now(),
        acceptedAt: undefined,
        deliveredAt: undefined,
        resolve: (served) => {
          this.#waiting.delete(waiting);
          resolve(served);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  /** For how long nothing was accepted, at the longest, since this was asked before. */
  takeLongestGapMs(): number {
    const gapMs = this.#longestGapMs;
    this.#longestGapMs = 0;
    return gapMs;
  }

  /**
   * Publishes no more, and resolves when the broker says that all queues are empty.
   * @throws the signal's reason
   */
  async drain(signal: AbortSignal): Promise<void> {
    await this.halt();
    for (;;) {
      const queues = await this.#queues(signal);
      if (queues !== undefined && areEmpty(queues)) return;
      await pause(DRAIN_LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#isOn = false;
    await Promise.all([this.#producing, this.#prober.ended(), this.#rest]);
  }

  #producer(line: Line, client: NodesClient): Producer {
    return new Producer({
      client,
      audit: this.audit,
      line,
      signal: this.#stop.signal,
      onAccepted: (accepted) => this.#accepted(accepted),
      onRefused: (text) => this.refusals.push(text),
    });
  }

  #client(): NodesClient {
    const client = this.#clientOf(this.#clients.length);
    this.#clients.push(client);
    return client;
  }

  #clientOf(first: number): NodesClient {
    const { urls, timeoutMs } = this.#options;
    return new NodesClient({ urls, timeoutMs }, first);
  }

  /** Several compete for each queue, and one of each has deliveries sent to it. */
  #consumers(): readonly Promise<void>[] {
    return WORKLOAD.flatMap(({ name }) => {
      const options = (index: number): ConsumerOptions => ({
        client: this.#client(),
        audit: this.audit,
        queue: name,
        name: `consumer-${index}`,
        timeoutMs: this.#options.timeoutMs,
        signal: this.#stop.signal,
        judge: (delivery) => judge(name, delivery),
        onDelivered: (delivery, at) => this.#delivered(name, delivery, at),
        onAcknowledged: (count) => this.#acknowledged.record(count, 0),
      });
      return [new PollingConsumer(options(1)).run(), new StreamingConsumer(options(2)).run()];
    });
  }

  #accepted({ count, sentAt, at }: Accepted): void {
    this.#published.record(count, at - sentAt);
    this.#longestGapMs = Math.max(this.#longestGapMs, at - (this.#lastAcceptedAt ?? at));
    this.#lastAcceptedAt = at;
    for (const waiting of this.#waiting) if (sentAt >= waiting.since) waiting.acceptedAt ??= at;
    this.#settleWaiting();
  }

  #delivered(queue: QueueName, { id }: WireDelivery, at: number): void {
    if (this.#waiting.size === 0) return;
    const sentAt = this.audit.sentAt(queue, id);
    for (const waiting of this.#waiting) {
      if (sentAt !== undefined && sentAt >= waiting.since) waiting.deliveredAt ??= at;
    }
    this.#settleWaiting();
  }

  #settleWaiting(): void {
    for (const waiting of this.#waiting) {
      const { acceptedAt, deliveredAt } = waiting;
      if (acceptedAt !== undefined && deliveredAt !== undefined) waiting.resolve({ acceptedAt, deliveredAt });
    }
  }

  /** Now and then the audit is told what the broker says of its queues. */
  async #look(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#queues(signal);
      await pause(LOOK_MS, signal);
    }
  }

  async #queues(signal: AbortSignal): Promise<readonly QueueStatus[] | undefined> {
    const askedAt = performance.now();
    const client = this.#clients[0];
    const answer = await client?.attempt({ method: 'GET', path: '/v1/queues', signal });
    if (answer === undefined || answer instanceof NoAnswer || answer.status >= 300) return undefined;
    const { queues } = answer.body as { readonly queues: readonly QueueStatus[] };
    this.audit.told(queues, askedAt);
    return queues;
  }

  #failures(): number {
    const at = performance.now();
    const total = this.#clients.reduce((sum, { failed }) => sum + failed, 0);
    this.#failed = [...this.#failed.filter((reading) => at - reading.at <= 1_000), { at, count: total }];
    return total - (this.#failed[0]?.count ?? total);
  }
}

function judge(queue: QueueName, { body }: WireDelivery): Verdict {
  if (queue !== DEAD_ORDERS && isPoison(body)) return 'reject';
  const chance = Math.random();
  if (chance < FATAL) return 'die';
  return chance < FATAL + REJECTED ? 'reject' : 'acknowledge';
}

function areEmpty(queues: readonly QueueStatus[]): boolean {
  const ours = new Set(WORKLOAD.map(({ name }) => name));
  return queues.every(({ name, ready, delayed, inFlight }) => !ours.has(name) || ready + delayed + inFlight === 0);
}
