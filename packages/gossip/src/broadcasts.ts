import { ClusterError, guardedCall, invalidOption, type RumourVerdict } from '@quorate/core';
import { decodeValue, encodeValue, type GossipValue } from './gossip-value.ts';
import type { BroadcastHandler } from './gossip.ts';
import { checkName, type Ground, rumourOf } from './ground.ts';
import { MAX_RECENT_BROADCASTS } from './limits.ts';
import { type BroadcastNews, encodeNews, type Mark } from './news.ts';
import { SeenWindow } from './seen-window.ts';

/** Tells all nodes, each once. */
export class Broadcasts {
  readonly #ground: Ground;
  readonly #mark: () => Mark;
  readonly #seen = new SeenWindow();
  readonly #handlers = new Map<string, BroadcastHandler>();
  /** For those who missed them; the oldest goes first. */
  readonly #recent: BroadcastNews[] = [];

  /** @param mark the next one of this node */
  constructor(ground: Ground, mark: () => Mark) {
    this.#ground = ground;
    this.#mark = mark;
  }

  get time(): number {
    return this.#seen.time;
  }

  /** The handlers that there are: the same of queries. */
  on(name: string, handler: BroadcastHandler): Disposable {
    return register('onBroadcast', this.#handlers, name, handler);
  }

  /** @throws ClusterError `INVALID_OPTIONS` when it will not fit a rumour */
  prepare(name: string, payload: GossipValue): BroadcastNews {
    checkName('broadcast', 'name', name);
    const bytes = encodeValue('broadcast', 'payload', payload);
    const news: BroadcastNews = { type: 'broadcast', mark: this.#mark(), time: 0, name, payload: bytes };
    rumourOf('broadcast', news);
    return news;
  }

  /** @throws ClusterError `OVERLOADED` */
  tell(prepared: BroadcastNews): void {
    const news = { ...prepared, time: this.#seen.time + 1 };
    if (!this.#ground.announce(keyOf(news), encodeNews(news))) {
      throw new ClusterError('OVERLOADED', 'broadcast: too many rumours wait to be told', { outcome: 'not-applied' });
    }
    this.receive(news);
  }

  receive(news: BroadcastNews): RumourVerdict {
    if (!this.#seen.admit(news.mark, news.time)) return { isNews: false };
    this.#recent.push(news);
    if (this.#recent.length > MAX_RECENT_BROADCASTS) this.#recent.shift();
    this.#deliver(news);
    return { isNews: true, key: keyOf(news) };
  }

  witness(time: number): void {
    this.#seen.witness(time);
  }

  /** What was told up to now is not for this node. */
  ignoreUntil(time: number): void {
    this.#seen.ignoreUntil(time);
  }

  capture(): readonly BroadcastNews[] {
    return this.#recent;
  }

  #deliver({ name, payload, mark, time }: BroadcastNews): void {
    const value = decodeValue(payload);
    // In a later turn, so that who broadcasts is not called by itself, nor the membership by a handler.
    this.#ground.clock.defer(() => {
      const handler = this.#handlers.get(name);
      if (handler === undefined || value === undefined || this.#ground.signal.aborted) return;
      const onError = (error: unknown) => this.#ground.warn('handler', `the handler of ${name} failed`, error);
      guardedCall(() => handler(value, { from: mark.origin, time }), onError);
    });
  }
}

/** One handler a name. @throws ClusterError `INVALID_OPTIONS` */
export function register<H>(owner: string, handlers: Map<string, H>, name: string, handler: H): Disposable {
  checkName(owner, 'name', name);
  if (typeof handler !== 'function') throw invalidOption(owner, 'handler', 'a function', handler);
  if (handlers.has(name)) throw invalidOption(owner, 'name', 'one without a handler', name);
  handlers.set(name, handler);
  return {
    [Symbol.dispose]: () => {
      if (handlers.get(name) === handler) handlers.delete(name);
    },
  };
}

function keyOf({ mark: { origin, session, sequence } }: BroadcastNews): string {
  return `b/${origin}/${session}/${sequence}`;
}
