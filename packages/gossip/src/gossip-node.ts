import {
  ClusterError,
  gossipTopic,
  isClusterError,
  messageKind,
  type RumourVerdict,
  telemetryOf,
  type Timer,
  toClusterError,
} from '@quorate/core';
import { Answering } from './answering.ts';
import { AskedQueries } from './asked-queries.ts';
import { Broadcasts } from './broadcasts.ts';
import { messageOf, readMessage } from './direct-message.ts';
import { decodeExchange, encodeExchange } from './exchange.ts';
import { encodeValue, type GossipValue } from './gossip-value.ts';
import { GossipInstruments } from './gossip-instruments.ts';
import type { BroadcastHandler, Gossip, QueryAnswer, QueryHandler, QueryOptions } from './gossip.ts';
import { checkName, type Ground, rumourOf } from './ground.ts';
import { decodeNews, encodeNews, type Mark, type News, type QueryNews } from './news.ts';
import { type GossipSettings, readQueryOptions } from './options.ts';
import { SeenWindow } from './seen-window.ts';
import { Settings } from './settings.ts';
import { StateBoard } from './state-board.ts';

/** How soon another node is asked for all it knows when one didn't answer; longer and longer. */
const CATCH_UP_MS = { first: 100, max: 5_000 } as const;
const EXCHANGE_TIMEOUT_MS = 5_000;
/** How long what is told waits until this node knows how late it is in the cluster. */
const HOLD_MS = 2_000;
const MAX_HELD = 64;
/** Of what came in one exchange: the rest is told in others. */
const MAX_SPREAD_ON = 64;

/** Gossip on one node. */
export class GossipNode implements Gossip {
  readonly states: StateBoard;
  readonly configuration: Settings;
  readonly #ground: Ground;
  readonly #broadcasts: Broadcasts;
  readonly #seenQueries = new SeenWindow();
  readonly #asked: AskedQueries;
  readonly #answering: Answering;
  readonly #session: number;
  #sequence = 0;
  /** Whether all that another node knew has been heard once. */
  #isCaughtUp = false;
  /** What is told once this node is caught up, or has waited long enough; undefined from then on. */
  #held: (() => void)[] | undefined = [];
  #holding: Timer;
  #catchUp: Timer | undefined;
  readonly #registrations: readonly Disposable[];
  readonly #instruments: GossipInstruments;

  constructor(ground: Ground, settings: GossipSettings) {
    const { system } = ground;
    this.#ground = ground;
    this.#registrations = this.#register();
    this.#session = system.random.int(2 ** 48);
    this.states = new StateBoard(ground);
    this.configuration = new Settings(ground, settings.reapAfterMs);
    this.#broadcasts = new Broadcasts(ground, () => this.#nextMark());
    this.#asked = new AskedQueries(ground, this.#session, settings.maxQueries);
    this.#answering = new Answering(ground, settings.maxAnswering, (answer) => this.#asked.receive(answer));
    this.#instruments = new GossipInstruments(telemetryOf(system), () => ({
      queries: this.#asked.size,
      held: this.#held?.length ?? 0,
    }));
    ground.signal.addEventListener('abort', () => this.#end(), { once: true });
    this.#holding = ground.clock.setTimer(HOLD_MS, () => this.#release());
    this.#scheduleCatchUp(0);
  }

  broadcast(name: string, payload: GossipValue): void {
    this.#ground.checkOpen();
    const news = this.#broadcasts.prepare(name, payload);
    this.#whenReleased('broadcast', () => this.#broadcasts.tell(news));
  }

  onBroadcast(name: string, handler: BroadcastHandler): Disposable {
    return this.#broadcasts.on(name, handler);
  }

  query(name: string, payload: GossipValue, options: QueryOptions = {}): AsyncIterable<QueryAnswer> {
    checkName('query', 'name', name);
    const settings = readQueryOptions(options);
    this.#ground.checkOpen();
    this.#asked.checkRoom();
    const news: QueryNews = {
      type: 'query',
      mark: this.#nextMark(),
      time: 0,
      timeoutMs: Math.ceil(settings.timeoutMs),
      name,
      filter: settings.filter,
      payload: encodeValue('query', 'payload', payload),
    };
    rumourOf('query', news);
    const answers = this.#asked.open(news.mark.sequence, settings);
    try {
      this.#whenReleased('query', () => this.#askAll(news));
    } catch (error) {
      this.#asked.fail(news.mark.sequence, toClusterError(error, 'OVERLOADED', 'query'));
    }
    return answers;
  }

  onQuery(name: string, handler: QueryHandler): Disposable {
    return this.#answering.on(name, handler);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ground[Symbol.dispose]();
    return Promise.resolve();
  }

  /** First of all: where it can't be done, nothing has begun that would have to end. */
  #register(): readonly Disposable[] {
    const { carrier, transport } = this.#ground;
    const topic = gossipTopic.SHARED_STATE;
    const done: Disposable[] = [];
    try {
      done.push(carrier.onRumour(topic, (payload) => this.#onRumour(payload)));
      const exchange = { capture: () => this.#capture(), merge: (payload: Uint8Array) => void this.#merge(payload) };
      done.push(carrier.onExchange(topic, exchange));
      done.push(transport.onRequest(messageKind.SHARED_STATE, (_from, payload) => this.#onRequest(payload)));
      return done;
    } catch (error) {
      for (const registration of done) registration[Symbol.dispose]();
      if (!isClusterError(error, 'INVALID_OPTIONS')) throw error;
      const message = 'createGossip: this cluster has gossip already, which has to be disposed of first';
      throw new ClusterError('INVALID_OPTIONS', message, { cause: error });
    }
  }

  #end(): void {
    for (const registration of this.#registrations) registration[Symbol.dispose]();
    this.#holding.cancel();
    this.#catchUp?.cancel();
    this.#instruments[Symbol.dispose]();
    for (const part of [this.states, this.configuration, this.#asked]) part[Symbol.dispose]();
  }

  #nextMark(): Mark {
    this.#sequence += 1;
    return { origin: this.#ground.selfId, session: this.#session, sequence: this.#sequence };
  }

  #askAll(prepared: QueryNews): void {
    if (!this.#asked.isOpen(prepared.mark)) return;
    const news = { ...prepared, time: this.#seenQueries.time + 1 };
    if (!this.#ground.announce(keyOf(news), encodeNews(news))) {
      const error = new ClusterError('OVERLOADED', 'query: too many rumours wait to be told');
      this.#asked.fail(news.mark.sequence, error);
      return;
    }
    this.#receive(news);
  }

  /**
   * What is told by who doesn't know yet how late it is would count as old everywhere.
   * @throws ClusterError `OVERLOADED`
   */
  #whenReleased(what: string, tell: () => void): void {
    if (this.#held === undefined) tell();
    else if (this.#held.length < MAX_HELD) this.#held.push(tell);
    else throw new ClusterError('OVERLOADED', `${what}: ${MAX_HELD} wait until this node has met another`);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#holding.cancel();
    for (const tell of held) {
      try {
        tell();
      } catch (error) {
        this.#ground.warn('held', 'what waited could not be told', error);
      }
    }
  }

  #onRumour(payload: Uint8Array): RumourVerdict {
    const news = decodeNews(payload);
    return news === undefined ? { isNews: false } : this.#receive(news);
  }

  #receive(news: News): RumourVerdict {
    this.#instruments.received(news);
    switch (news.type) {
      case 'state':
        return this.states.receive(news);
      case 'setting':
        return this.configuration.receive(news);
      case 'broadcast':
        return this.#broadcasts.receive(news);
      case 'query':
        if (!this.#seenQueries.admit(news.mark, news.time)) return { isNews: false };
        this.#answering.receive(news);
        return { isNews: true, key: keyOf(news) };
      case 'answer': {
        // Who tells it again has not heard that it came; also when nobody waits for it any more.
        const receipt = encodeNews({ type: 'receipt', mark: news.mark });
        if (news.mark.origin === this.#ground.selfId)
          this.#ground.carrier.tell(news.from, gossipTopic.SHARED_STATE, receipt);
        this.#asked.receive(news);
        return { isNews: false };
      }
      case 'receipt':
        this.#answering.taken(news.mark);
        return { isNews: false };
    }
  }

  #onRequest(payload: Uint8Array): Uint8Array {
    const message = readMessage(payload);
    if (message === undefined) throw new ClusterError('PROTOCOL', 'gossip: a message of another version or kind');
    if (message.kind === 'exchange') {
      const answer = this.#capture();
      this.#merge(message.content);
      return answer;
    }
    const news = decodeNews(message.content);
    if (news?.type === 'answer') this.#asked.receive(news);
    return new Uint8Array();
  }

  #capture(): Uint8Array {
    const times = {
      settings: this.configuration.time,
      broadcasts: this.#broadcasts.time,
      queries: this.#seenQueries.time,
    };
    return encodeExchange(times, this.#allNews());
  }

  *#allNews(): Generator<News> {
    yield* this.configuration.capture();
    yield* this.#broadcasts.capture();
    yield* this.states.capture();
  }

  /** What the first one tells was told before this node came. Later, what is news is spread on: it may be to many. */
  #merge(payload: Uint8Array): boolean {
    const exchange = decodeExchange(payload);
    if (exchange === undefined || this.#ground.signal.aborted) return false;
    const { times, news } = exchange;
    const isFirst = !this.#isCaughtUp;
    this.#isCaughtUp = true;
    if (isFirst) this.#broadcasts.ignoreUntil(times.broadcasts);
    let spread = isFirst ? MAX_SPREAD_ON : 0;
    for (const each of news) {
      if (each.type === 'query' || each.type === 'answer' || each.type === 'receipt') continue;
      const verdict = this.#receive(each);
      if (!verdict.isNews || spread >= MAX_SPREAD_ON) continue;
      spread += 1;
      this.#ground.spread(verdict.key ?? '', encodeNews(each));
    }
    this.configuration.witness(times.settings);
    this.#broadcasts.witness(times.broadcasts);
    this.#seenQueries.witness(times.queries);
    if (isFirst) this.#release();
    return true;
  }

  #scheduleCatchUp(delayMs: number): void {
    this.#catchUp = this.#ground.clock.setTimer(delayMs, () => {
      this.#catchUp = undefined;
      void this.#catchUpOnce(delayMs);
    });
  }

  /** The membership exchanges now and then; who has just come doesn't wait for that. */
  async #catchUpOnce(delayMs: number): Promise<void> {
    const { transport, system, signal } = this.#ground;
    const peers = transport.peers.filter(({ state }) => state === 'connected');
    const peer = peers.length === 0 ? undefined : peers[system.random.int(peers.length)];
    try {
      if (peer !== undefined && !this.#isCaughtUp) {
        const options = { timeoutMs: EXCHANGE_TIMEOUT_MS, signal };
        const question = messageOf('exchange', this.#capture());
        this.#merge(await transport.request(peer.node.id, messageKind.SHARED_STATE, question, options));
      }
    } catch (error) {
      if (!signal.aborted) this.#ground.logger.debug(`gossip: nothing heard from ${peer?.node.id}: ${String(error)}`);
    }
    if (this.#isCaughtUp || signal.aborted) return;
    this.#scheduleCatchUp(Math.min(Math.max(delayMs * 2, CATCH_UP_MS.first), CATCH_UP_MS.max));
  }
}

function keyOf({ mark: { origin, session, sequence } }: QueryNews): string {
  return `q/${origin}/${session}/${sequence}`;
}
