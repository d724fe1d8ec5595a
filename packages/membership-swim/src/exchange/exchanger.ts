import {
  type CallOptions,
  type Clock,
  ClusterError,
  messageKind,
  type NodeId,
  type Random,
  type Timer,
  type Transport,
} from '@quorate/core';

import {
  decodePart,
  decodeRequest,
  encodePart,
  type ExchangeItem,
  type ExchangePart,
  PING_ANSWER,
  PING_REQUEST,
} from './exchange-codec.ts';
import { type ExchangeReceiver, ExchangeSink } from './exchange-sink.ts';
import { ExchangeSource } from './exchange-source.ts';

/** What an exchange is about. */
export interface ExchangeParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** What this node knows now and has to tell that peer: a snapshot. */
  capture(to: NodeId): Iterable<ExchangeItem>;
  /** Where it goes what that peer tells. */
  receiver(from: NodeId): ExchangeReceiver;
}

/** Whoever began an exchange gives it up after so long; what is kept of it at the other end goes as well. */
export const EXCHANGE_TIMEOUT_MS = 60_000;
/** A part and what is around it fit into the smallest frame that a transport may have. */
const PART_BYTES = 32 * 1024;
/** What two of the largest clusters have to tell each other, many times over. */
const MAX_ROUNDS = 4096;
/** Exchanges that others have begun and not ended. */
const MAX_ANSWERED = 64;
const ROUND_TIMEOUT_MS = 5000;

interface Answered {
  readonly exchange: number;
  /** The round that is to come. */
  round: number;
  source: ExchangeSource | undefined;
  readonly sink: ExchangeSink;
  readonly timeout: Timer;
}

/**
 * Push/pull (memberlist's name): two nodes tell each other all they know. Each round is a request with a part of the one and
 * an answer with a part of the other, so that nothing grows with the cluster but the number of rounds.
 */
export class Exchanger implements Disposable {
  /** Counted since the start. */
  readonly counts: { begun: number; failed: number; sentBytes: number; receivedBytes: number } = {
    begun: 0,
    failed: 0,
    sentBytes: 0,
    receivedBytes: 0,
  };
  readonly #parts: ExchangeParts;
  readonly #handling: Disposable;
  /** By whoever began it: one each. The one that was begun first comes first. */
  readonly #answered = new Map<NodeId, Answered>();
  /** Whom this node has begun one with. */
  readonly #begun = new Set<NodeId>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#handling = parts.transport.onRequest(messageKind.GOSSIP, (from, payload) => this.#answer(from, payload));
  }

  isBusyWith(id: NodeId): boolean {
    return this.#begun.has(id);
  }

  /** How many this node has begun and not ended. */
  get busy(): number {
    return this.#begun.size;
  }

  /**
   * Exchanges everything with a peer that is connected.
   * @throws ClusterError that of the transport's `request`, `PROTOCOL`
   */
  async exchange(id: NodeId, options: CallOptions): Promise<void> {
    if (this.#begun.has(id)) return;
    this.#begun.add(id);
    this.counts.begun += 1;
    try {
      await this.#rounds(id, options);
    } catch (error) {
      this.counts.failed += 1;
      throw error;
    } finally {
      this.#begun.delete(id);
    }
  }

  /** Resolves when the peer has answered. */
  async ping(id: NodeId, timeoutMs: number, { signal }: CallOptions): Promise<void> {
    await this.#parts.transport.request(id, messageKind.GOSSIP, PING_REQUEST, { timeoutMs, signal });
  }

  [Symbol.dispose](): void {
    this.#handling[Symbol.dispose]();
    for (const from of this.#answered.keys()) this.#end(from);
  }

  async #rounds(id: NodeId, { signal }: CallOptions): Promise<void> {
    const { transport, random } = this.#parts;
    const exchange = random.int(2 ** 32);
    const source = new ExchangeSource(this.#parts.capture(id), PART_BYTES);
    const sink = new ExchangeSink(this.#parts.receiver(id));
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const items = source.next();
      const payload = encodePart({ exchange, round, isLast: source.isDone, items });
      this.counts.sentBytes += payload.length;
      const isDone = source.isDone;
      const options = { timeoutMs: ROUND_TIMEOUT_MS, signal };
      const bytes = await transport.request(id, messageKind.GOSSIP, payload, options);
      this.counts.receivedBytes += bytes.length;
      const answer = decodePart(bytes);
      if (answer === undefined || answer.exchange !== exchange || answer.round !== round) throw unreadable(id);
      sink.take(answer.items);
      if (isDone && answer.isLast) return;
    }
    throw new ClusterError('PROTOCOL', `an exchange with ${id} came to no end`);
  }

  #answer(from: NodeId, payload: Uint8Array): Uint8Array {
    const request = decodeRequest(payload);
    if (request === undefined) throw unreadable(from);
    if (request.type === 'ping') return PING_ANSWER;
    this.counts.receivedBytes += payload.length;
    const { part } = request;
    const answered = part.round === 0 ? this.#admit(from, part) : this.#answered.get(from);
    if (answered?.exchange !== part.exchange || answered.round !== part.round) {
      throw new ClusterError('PROTOCOL', 'this exchange is over');
    }
    answered.round += 1;
    answered.sink.take(part.items);
    // Begun after the first merge: who has just heard that it is called dead says otherwise at once.
    answered.source ??= new ExchangeSource(this.#parts.capture(from), PART_BYTES);
    const items = answered.source.next();
    const isLast = answered.source.isDone;
    if ((part.isLast && isLast) || answered.round >= MAX_ROUNDS) this.#end(from);
    const bytes = encodePart({ exchange: part.exchange, round: part.round, isLast, items });
    this.counts.sentBytes += bytes.length;
    return bytes;
  }

  #admit(from: NodeId, { exchange }: ExchangePart): Answered {
    this.#end(from);
    const [oldest] = this.#answered.keys();
    if (oldest !== undefined && this.#answered.size >= MAX_ANSWERED) this.#end(oldest);
    const sink = new ExchangeSink(this.#parts.receiver(from));
    const timeout = this.#parts.clock.setTimer(EXCHANGE_TIMEOUT_MS, () => this.#end(from));
    const answered: Answered = { exchange, round: 0, source: undefined, sink, timeout };
    this.#answered.set(from, answered);
    return answered;
  }

  #end(from: NodeId): void {
    this.#answered.get(from)?.timeout.cancel();
    this.#answered.delete(from);
  }
}

function unreadable(id: NodeId): ClusterError {
  return new ClusterError('PROTOCOL', `${id} sent an exchange that cannot be read: it is of another version, perhaps`);
}
