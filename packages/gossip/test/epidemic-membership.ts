import {
  type CallOptions,
  connectionMembership,
  type GossipCarrier,
  type GossipExchange,
  type GossipTopic,
  MAX_RUMOUR_BYTES,
  type Membership,
  type MembershipChange,
  type MembershipContext,
  type MembershipView,
  messageKind,
  type NodeId,
  type Plugin,
  type RumourVerdict,
  type Timer,
} from '@quorate/core';

export interface EpidemicOptions {
  readonly intervalMs?: number;
  readonly exchangeMs?: number;
  readonly fanout?: number;
  /** How often each node tells a rumour. */
  readonly budget?: number;
}

interface Queued {
  readonly bytes: Uint8Array;
  left: number;
}

const MAX_QUEUED = 4_096;
/** The connections' own is taken. */
const KIND = messageKind.USER + 5;

/** Connections for membership, and rumours in messages that may be lost: the least that gossip can be carried by. */
export function epidemicMembership(options: EpidemicOptions = {}): Plugin<Membership, 'membership'> {
  const plain = connectionMembership();
  return {
    ...plain,
    name: 'epidemic-membership',
    create: (context) => new EpidemicMembership(plain.create(context), context, options),
  };
}

class EpidemicMembership implements Membership, GossipCarrier {
  readonly #members: Membership;
  readonly #context: MembershipContext;
  readonly #options: Required<EpidemicOptions>;
  readonly #queue = new Map<string, Queued>();
  readonly #handlers = new Map<GossipTopic, (payload: Uint8Array) => RumourVerdict>();
  readonly #exchanges = new Map<GossipTopic, GossipExchange>();
  readonly #timers = new Set<Timer>();
  /** Messages told so far. */
  told = 0;

  constructor(members: Membership, context: MembershipContext, options: EpidemicOptions) {
    this.#members = members;
    this.#context = context;
    this.#options = { intervalMs: 200, exchangeMs: 5_000, fanout: 3, budget: 8, ...options };
  }

  get view(): MembershipView {
    return this.#members.view;
  }

  get carrier(): GossipCarrier {
    return this;
  }

  get size(): number {
    return this.#others.length + 1;
  }

  async start(options?: CallOptions): Promise<void> {
    const { transport } = this.#context;
    transport.onMessage(KIND, (_from, payload) => this.#receive(payload));
    transport.onRequest(KIND, (_from, payload) => this.#exchanged(payload));
    await this.#members.start(options);
    this.#every(this.#options.intervalMs, () => this.#tellAll());
    this.#every(this.#options.exchangeMs, () => void this.#exchange());
  }

  leave(options?: CallOptions): Promise<void> {
    return this.#members.leave(options);
  }

  watch(options?: CallOptions): AsyncIterable<MembershipChange> {
    return this.#members.watch(options);
  }

  spread(topic: GossipTopic, payload: Uint8Array, { key = '' }: { readonly key?: string } = {}): boolean {
    if (payload.byteLength > MAX_RUMOUR_BYTES) throw new RangeError(`a rumour of ${payload.byteLength} bytes`);
    if (this.#queue.size >= MAX_QUEUED) return false;
    this.#queue.set(`${topic}/${key}`, { bytes: Uint8Array.of(topic, ...payload), left: this.#options.budget });
    return true;
  }

  tell(to: NodeId, topic: GossipTopic, payload: Uint8Array): boolean {
    if (payload.byteLength > MAX_RUMOUR_BYTES) throw new RangeError(`a rumour of ${payload.byteLength} bytes`);
    return this.#context.transport.send(to, KIND, Uint8Array.of(topic, ...payload));
  }

  onRumour(topic: GossipTopic, handler: (payload: Uint8Array) => RumourVerdict): Disposable {
    this.#handlers.set(topic, handler);
    return { [Symbol.dispose]: () => void this.#handlers.delete(topic) };
  }

  onExchange(topic: GossipTopic, exchange: GossipExchange): Disposable {
    this.#exchanges.set(topic, exchange);
    return { [Symbol.dispose]: () => void this.#exchanges.delete(topic) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#members[Symbol.asyncDispose]();
  }

  get #others(): readonly NodeId[] {
    const { transport } = this.#context;
    return [...this.view.members.values()]
      .filter(({ node, state }) => state === 'alive' && node.id !== transport.self.id)
      .map(({ node }) => node.id);
  }

  #every(ms: number, act: () => void): void {
    const timer = this.#context.clock.setTimer(ms, () => {
      this.#timers.delete(timer);
      this.#every(ms, act);
      act();
    });
    this.#timers.add(timer);
  }

  #pick(): NodeId | undefined {
    const others = this.#others;
    return others.length === 0 ? undefined : others[this.#context.random.int(others.length)];
  }

  #tellAll(): void {
    const to = Array.from({ length: this.#options.fanout }, () => this.#pick());
    for (const [key, queued] of this.#queue) {
      for (const id of new Set(to)) {
        if (id === undefined) continue;
        this.told += 1;
        this.#context.transport.send(id, KIND, queued.bytes);
      }
      queued.left -= to[0] === undefined ? 0 : 1;
      if (queued.left <= 0) this.#queue.delete(key);
    }
  }

  #receive(bytes: Uint8Array): void {
    const topic = bytes[0] ?? 0;
    const payload = bytes.slice(1);
    const verdict = this.#handlers.get(topic)?.(payload);
    if (verdict?.isNews === true) this.spread(topic, payload, { key: verdict.key ?? '' });
  }

  async #exchange(): Promise<void> {
    const to = this.#pick();
    if (to === undefined) return;
    for (const [topic, exchange] of this.#exchanges) {
      const question = Uint8Array.of(topic, ...exchange.capture());
      const answer = await this.#context.transport
        .request(to, KIND, question, { timeoutMs: 2_000 })
        .catch(() => undefined);
      if (answer !== undefined && answer.byteLength > 0) exchange.merge(answer);
    }
  }

  #exchanged(payload: Uint8Array): Uint8Array {
    const exchange = this.#exchanges.get(payload[0] ?? 0);
    if (exchange === undefined) return new Uint8Array();
    const answer = exchange.capture();
    exchange.merge(payload.slice(1));
    return answer;
  }
}
