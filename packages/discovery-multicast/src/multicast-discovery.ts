import {
  type Address,
  BaseClusterDiscovery,
  type ClusterContext,
  ClusterError,
  type ClusterNode,
  type DiscoverySupport,
  formatAddress,
  type IClusterDiscovery,
  isClusterNode,
  type LookupAnswer,
  type LookupOptions,
  type MonotonicMs,
  type NodeId,
  type Plugin,
  settleWithin,
  sleep,
  type Timer,
} from '@quorate/core';

import { Announcer, MAX_ANNOUNCED, MIN_SPACING_MS } from './announcer.ts';
import {
  type Datagram,
  decodeDatagram,
  encodeDatagram,
  MAX_DATAGRAM_BYTES,
  type Message,
  sessionOf,
} from './datagram.ts';
import { GroupSocket } from './group-socket.ts';
import { Ignored, type IgnoredReason } from './ignored.ts';
import {
  type CheckedMulticastOptions,
  checkMulticastOptions,
  type MulticastDiscoveryOptions,
} from './multicast-options.ts';
import { Neighbours } from './neighbours.ts';

/** A discovery that also tells what it ignored. */
export interface MulticastDiscovery extends IClusterDiscovery {
  /** How many datagrams were ignored since it was made, and why. */
  readonly ignored: Readonly<Record<IgnoredReason, number>>;
}

/** Of the time for answers, within which others are asked to give theirs; the question is repeated then. */
const ANSWER_SHARE = 0.4;
/** What changes within this time is told together. */
const SETTLE_MS = 100;
/** From a goodbye to its repetition, or to the closing of the socket, which must not overtake it. */
const GOODBYE_MS = 30;
/** In intervals of announcements: long enough for at least one. */
const TICK_INTERVALS = 1.25;
/** After so many ticks in which a node has not heard itself, it joins the group anew. */
const DEAF_AFTER = 3;
/** What an answer of the group may take beyond the time for collecting it. */
const OWN_TIME_MS = 2_000;

/**
 * Finds nodes in the local network: each announces itself to a multicast group, says goodbye when it goes, and is
 * forgotten when its announcements fail to come.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function multicastDiscovery(options: MulticastDiscoveryOptions): Plugin<MulticastDiscovery, 'discovery'> {
  const checked = checkMulticastOptions(options);
  return {
    name: 'discovery-multicast',
    kind: 'discovery',
    requires: [],
    create: (context) => new GroupDiscovery(context, checked),
  };
}

class GroupDiscovery extends BaseClusterDiscovery implements MulticastDiscovery {
  override readonly supports: DiscoverySupport = { registration: true, watch: 'push', createIfAbsent: false };
  readonly #context: ClusterContext;
  readonly #options: CheckedMulticastOptions;
  readonly #source: string;
  readonly #session: string;
  readonly #socket: GroupSocket;
  readonly #announcer: Announcer;
  readonly #neighbours: Neighbours;
  readonly #ignored: Ignored;
  #sequence = 0;
  /** Readable datagrams of this cluster, this node's own among them. */
  #heard = 0;
  #heardOwn = 0;
  /** At the last tick. */
  #heardBefore = { all: 0, own: 0 };
  /** How many ticks in a row this node has not heard what it sent. */
  #deafTicks = 0;
  /** What was said of it last: a failure that repeats itself is said once. */
  #joinFailure: string | undefined;
  #tick: Timer | undefined;
  #tickedAt: MonotonicMs = 0;
  #askedAt: MonotonicMs = -Infinity;
  /** When another node's question was heard. */
  #questionAt: MonotonicMs = -Infinity;
  #settling: Timer | undefined;
  /** There while somebody watches. */
  #publish: ((answer: LookupAnswer) => void) | undefined;

  constructor(context: ClusterContext, options: CheckedMulticastOptions) {
    const source = `discovery-multicast ${formatAddress({ host: options.group, port: options.port })}`;
    const { backoff = { baseMs: 1_000, maxMs: 30_000 } } = options;
    super(context, source, { timeoutMs: options.collectMs + OWN_TIME_MS, backoff });
    this.#context = context;
    this.#options = options;
    this.#source = source;
    this.#session = sessionOf(context.random.bytes(8));
    this.#socket = new GroupSocket(context.net, options, (payload, from) => this.#receive(payload, from));
    this.#announcer = new Announcer(context, options.intervalMs, (node) => this.#announce(node));
    this.#neighbours = new Neighbours(options.missed);
    this.#ignored = new Ignored(source, context);
  }

  get ignored(): Readonly<Record<IgnoredReason, number>> {
    return { ...this.#ignored.counts };
  }

  /** Asks twice, and fails if it doesn't hear even itself: then the group is not to be reached. */
  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    await this.#open();
    const { clock } = this.#context;
    const { collectMs } = this.#options;
    const heardBefore = this.#heard;
    this.#ask();
    await sleep(clock, collectMs * ANSWER_SHARE, { signal });
    this.#ask();
    await sleep(clock, collectMs * (1 - ANSWER_SHARE), { signal });
    if (this.#heard === heardBefore) {
      throw new ClusterError('IO', `${this.#source}: nothing came back, not even this node's own question`);
    }
    return this.#answer();
  }

  protected override async subscribe(publish: (answer: LookupAnswer) => void, options: LookupOptions): Promise<void> {
    publish(await this.lookup(options));
    this.#publish = publish;
    try {
      await settleWithin(options.signal, `${this.#source}: watch`, () => () => undefined);
    } finally {
      this.#publish = undefined;
    }
  }

  protected override async register(node: ClusterNode, { signal }: LookupOptions): Promise<void> {
    if (!isClusterNode(node) || node.port === 0) {
      throw new ClusterError(
        'INVALID_ADDRESS',
        `${this.#source}: what is to be registered is not a node to be dialled`,
      );
    }
    if (!this.#announcer.has(node.id) && this.#announcer.nodes.length >= MAX_ANNOUNCED) {
      throw new ClusterError('OVERLOADED', `${this.#source}: ${MAX_ANNOUNCED} nodes are registered`);
    }
    await this.#open();
    signal.throwIfAborted();
    this.#announcer.add(this.#fitting(node));
  }

  protected override async unregister(nodeId: NodeId, { signal }: LookupOptions): Promise<void> {
    if (!this.#announcer.delete(nodeId)) return;
    this.#send({ kind: 'goodbye', id: nodeId });
    await sleep(this.#context.clock, GOODBYE_MS, { signal });
    // It may have been registered again meanwhile.
    if (!this.#announcer.has(nodeId)) this.#send({ kind: 'goodbye', id: nodeId });
  }

  protected override async release(): Promise<void> {
    this.#tick?.cancel();
    this.#settling?.cancel();
    const { nodes } = this.#announcer;
    this.#announcer[Symbol.dispose]();
    for (const { id } of nodes) this.#send({ kind: 'goodbye', id });
    if (nodes.length > 0 && this.#socket.isOpen) await sleep(this.#context.clock, GOODBYE_MS);
    await this.#socket[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    await this.#socket.open();
    if (this.#tick !== undefined || this.closed.aborted) return;
    this.#tickedAt = this.#context.clock.now();
    this.#planTick();
  }

  #planTick(): void {
    const { clock } = this.#context;
    this.#tick = clock.setTimer(this.#options.intervalMs * TICK_INTERVALS, () => this.#onTick());
  }

  /** Forgets who has been silent, and sees to it that this node can hear. */
  #onTick(): void {
    const now = this.#context.clock.now();
    const elapsedMs = now - this.#tickedAt;
    const tickMs = this.#options.intervalMs * TICK_INTERVALS;
    const isSilent = this.#heard === this.#heardBefore.all;
    const isAnnounced = this.#announcer.nodes.length > 0;
    const isDeaf = isAnnounced ? this.#heardOwn === this.#heardBefore.own : isSilent;
    this.#tickedAt = now;
    this.#heardBefore = { all: this.#heard, own: this.#heardOwn };
    // A process that was stopped, or hears nothing at all, can't tell that others are silent.
    if (isSilent) this.#neighbours.postpone(elapsedMs);
    else if (elapsedMs > 2 * tickMs) this.#neighbours.postpone(elapsedMs - tickMs);
    if (this.#neighbours.expire(now)) this.#changed();
    this.#deafTicks = isDeaf ? this.#deafTicks + 1 : 0;
    if (!isDeaf) this.#joinFailure = undefined;
    if (this.#deafTicks >= DEAF_AFTER) this.#rejoin();
    // Heard next is this question, if nothing else. One question, of whomever, is enough to tell the late from the gone.
    const isAsked = now - Math.max(this.#askedAt, this.#questionAt) < this.#options.intervalMs;
    if (isSilent || (!isAsked && this.#neighbours.isAnybodyLate(now))) this.#ask();
    this.#planTick();
  }

  /** An interface that went and came back, or a machine that slept, may have left the socket outside the group. */
  #rejoin(): void {
    const { logger } = this.#context;
    if (this.#deafTicks === DEAF_AFTER) {
      logger.warn(`${this.#source}: this node does not even hear itself; joining the group again until it does`);
    }
    // What was said meanwhile is asked for.
    const failed = (error: unknown) => {
      const reason = String(error);
      if (this.closed.aborted || reason === this.#joinFailure) return;
      this.#joinFailure = reason;
      logger.warn(`${this.#source}: the group cannot be joined, trying on: ${reason}`, error);
    };
    this.#socket.reopen().then(() => this.#ask(), failed);
  }

  #receive(payload: Uint8Array, from: Address): void {
    if (this.closed.aborted) return;
    const datagram = decodeDatagram(payload, this.#context.cluster.name, this.#options.seal);
    if (typeof datagram === 'string') {
      this.#ignored.count(datagram, from);
      return;
    }
    this.#heard += 1;
    if (datagram.session === this.#session) this.#heardOwn += 1;
    else this.#hear(datagram, from);
  }

  #hear(datagram: Datagram, from: Address): void {
    const { message } = datagram;
    switch (message.kind) {
      case 'ask':
        return this.#hearQuestion(datagram, message.withinMs, from);
      case 'goodbye':
        if (this.#neighbours.saidGoodbye(datagram, message.id)) this.#changed();
        return undefined;
      case 'announce':
        return this.#hearAnnouncement(datagram, message.node, message.intervalMs, from);
    }
  }

  #hearQuestion(datagram: Datagram, withinMs: number, from: Address): void {
    if (!this.#neighbours.asked(datagram)) return this.#ignored.count('repeated', from);
    this.#announcer.answer(withinMs);
    this.#questionAt = this.#context.clock.now();
    return undefined;
  }

  #hearAnnouncement(datagram: Datagram, node: ClusterNode, intervalMs: number, from: Address): void {
    if (node.id === this.#context.self.id) return this.#ignored.count('ownId', from);
    const heard = this.#neighbours.announced(datagram, node, intervalMs, this.#context.clock.now());
    if (heard === 'new') this.#changed();
    else if (heard !== 'known') this.#ignored.count(heard, from);
    return undefined;
  }

  #changed(): void {
    if (this.#publish === undefined) return;
    this.#settling ??= this.#context.clock.setTimer(SETTLE_MS, () => {
      this.#settling = undefined;
      this.#publish?.(this.#answer());
    });
  }

  #answer(): LookupAnswer {
    const { nodes, complete } = this.#neighbours;
    return { nodes, complete };
  }

  #ask(): void {
    const now = this.#context.clock.now();
    // Calls at about one time are one question.
    if (now - this.#askedAt < MIN_SPACING_MS || !this.#socket.isOpen) return;
    this.#askedAt = now;
    this.#send({ kind: 'ask', withinMs: this.#options.collectMs * ANSWER_SHARE });
  }

  #announce(node: ClusterNode): void {
    this.#send({ kind: 'announce', node, intervalMs: this.#options.intervalMs });
  }

  #send(message: Message): void {
    this.#sequence += 1;
    this.#socket.send(this.#encode(message));
  }

  #encode(message: Message): Uint8Array {
    const datagram = { session: this.#session, sequence: this.#sequence, message };
    return encodeDatagram(datagram, this.#context.cluster.name, this.#options.seal);
  }

  /** The node, without what would not fit into a datagram: others learn that when they are connected. */
  #fitting(node: ClusterNode): ClusterNode {
    const { intervalMs } = this.#options;
    const fits = (what: ClusterNode) =>
      this.#encode({ kind: 'announce', node: what, intervalMs }).length <= MAX_DATAGRAM_BYTES;
    if (fits(node)) return node;
    const { metadata: _, ...plain } = node;
    const { id, host, port } = node;
    const fitting = fits(plain) ? plain : { id, host, port };
    const left = fitting === plain ? 'its metadata is' : 'its metadata, zone and region are';
    this.#context.logger.warn(`${this.#source}: ${id} does not fit into a datagram: ${left} not announced`);
    return fitting;
  }
}
