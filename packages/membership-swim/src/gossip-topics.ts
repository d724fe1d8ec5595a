import {
  ClusterError,
  type GossipCarrier,
  type GossipExchange,
  type GossipTopic,
  MAX_RUMOUR_BYTES,
  type NodeId,
  type RumourVerdict,
} from '@quorate/core';

import type { ExchangeItem } from './exchange/exchange-codec.ts';
import { MAX_TOPIC_BYTES } from './exchange/exchange-sink.ts';
import type { RateLimitedLog } from './rate-limited-log.ts';

/** What carries the rumours. */
export interface RumourSpreader {
  readonly size: number;
  spread(topic: GossipTopic, payload: Uint8Array, key: string | undefined): boolean;
  tell(to: NodeId, topic: GossipTopic, payload: Uint8Array): boolean;
}

type RumourHandler = (payload: Uint8Array) => RumourVerdict;

const NO_NEWS: RumourVerdict = { isNews: false };
const PIECE_BYTES = 16 * 1024;

/** The news of others, carried beside the membership's own. What their handlers throw is reported, never passed on. */
export class GossipTopics implements GossipCarrier {
  readonly #spreader: RumourSpreader;
  readonly #log: RateLimitedLog;
  readonly #rumours = new Map<GossipTopic, RumourHandler>();
  readonly #exchanges = new Map<GossipTopic, GossipExchange>();

  constructor(spreader: RumourSpreader, log: RateLimitedLog) {
    this.#spreader = spreader;
    this.#log = log;
  }

  get size(): number {
    return this.#spreader.size;
  }

  spread(topic: GossipTopic, payload: Uint8Array, { key }: { readonly key?: string } = {}): boolean {
    checkTopic(topic);
    checkRumour(payload);
    // A copy: it is sent many times, later than this returns.
    return this.#spreader.spread(topic, payload.slice(), key);
  }

  tell(to: NodeId, topic: GossipTopic, payload: Uint8Array): boolean {
    checkTopic(topic);
    checkRumour(payload);
    return this.#spreader.tell(to, topic, payload.slice());
  }

  onRumour(topic: GossipTopic, handler: RumourHandler): Disposable {
    return register(this.#rumours, topic, handler);
  }

  onExchange(topic: GossipTopic, exchange: GossipExchange): Disposable {
    return register(this.#exchanges, topic, exchange);
  }

  wants(topic: GossipTopic): boolean {
    return this.#exchanges.has(topic);
  }

  /** A rumour has come. */
  hear(topic: GossipTopic, payload: Uint8Array): RumourVerdict {
    const handler = this.#rumours.get(topic);
    if (handler === undefined) return NO_NEWS;
    return this.#guarded(topic, () => handler(payload)) ?? NO_NEWS;
  }

  merge(topic: GossipTopic, payload: Uint8Array): void {
    this.#guarded(topic, () => this.#exchanges.get(topic)?.merge(payload));
  }

  /** What every topic has to exchange, in pieces. */
  *capture(): Generator<ExchangeItem, void> {
    for (const [topic, exchange] of this.#exchanges) {
      const bytes = this.#guarded(topic, () => exchange.capture());
      if (bytes !== undefined && bytes.length > MAX_TOPIC_BYTES) {
        this.#log.warn(`topic ${topic}`, `topic ${topic} has ${bytes.length} bytes to exchange: too many, left out`);
      } else if (bytes !== undefined) yield* pieces(topic, bytes);
    }
  }

  #guarded<T>(topic: GossipTopic, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#log.warn(`topic ${topic}`, `a handler of topic ${topic} threw: ${String(error)}`, error);
      return undefined;
    }
  }
}

function* pieces(topic: GossipTopic, bytes: Uint8Array): Generator<ExchangeItem, void> {
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE_BYTES) {
    const end = at + PIECE_BYTES;
    yield { type: 'topic', topic, isLast: end >= bytes.length, bytes: bytes.subarray(at, end) };
  }
}

function register<T>(handlers: Map<GossipTopic, T>, topic: GossipTopic, handler: T): Disposable {
  checkTopic(topic);
  if (handlers.has(topic)) throw new ClusterError('INVALID_OPTIONS', `topic ${topic} has a handler already`);
  handlers.set(topic, handler);
  return {
    [Symbol.dispose]: () => {
      if (handlers.get(topic) === handler) handlers.delete(topic);
    },
  };
}

function checkTopic(topic: GossipTopic): void {
  if (Number.isInteger(topic) && topic >= 1 && topic <= 255) return;
  throw new ClusterError('INVALID_OPTIONS', `a topic must be an integer from 1 to 255, got ${String(topic)}`);
}

function checkRumour(payload: Uint8Array): void {
  if (payload.length <= MAX_RUMOUR_BYTES) return;
  throw new ClusterError('INVALID_OPTIONS', `a rumour has at most ${MAX_RUMOUR_BYTES} bytes, got ${payload.length}`);
}
