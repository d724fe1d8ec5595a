import {
  type Cluster,
  type Clock,
  ClusterError,
  type GossipCarrier,
  gossipTopic,
  invalidOption,
  type Logger,
  MAX_RUMOUR_BYTES,
  type NodeId,
  type System,
  type Timer,
  type Transport,
} from '@quorate/core';
import { MAX_NAME_BYTES } from './limits.ts';
import { encodeNews, type News } from './news.ts';

/** What gossip needs of a cluster. */
export type GossipCluster = Pick<Cluster, 'self' | 'system' | 'transport' | 'membership'>;

const RETRY_MS = 250;
/** Of so many and fewer members each is told what is said once. */
const FEW = 16;
const QUIET_MS = 5_000;

/** What all parts of gossip stand on. */
export class Ground implements Disposable {
  readonly cluster: GossipCluster;
  readonly carrier: GossipCarrier;
  readonly system: System;
  readonly selfId: NodeId;
  readonly #closed = new AbortController();
  /** What the carrier had no room for, by key: bounded by the keys of this node's state and of the configuration. */
  readonly #unspread = new Map<string, () => Uint8Array | undefined>();
  #retry: Timer | undefined;
  /** By what is complained of: a handful of literals. */
  readonly #quietUntil = new Map<string, number>();

  /** @throws ClusterError `UNSUPPORTED` */
  constructor(cluster: GossipCluster) {
    const { carrier } = cluster.membership;
    if (carrier === undefined) {
      const message =
        "createGossip: the cluster's membership spreads no rumours; choose one that does: swimMembership()";
      throw new ClusterError('UNSUPPORTED', message);
    }
    this.cluster = cluster;
    this.carrier = carrier;
    this.system = cluster.system;
    this.selfId = cluster.self.id;
  }

  get clock(): Clock {
    return this.system.clock;
  }

  get logger(): Logger {
    return this.system.logger;
  }

  get transport(): Transport {
    return this.cluster.transport;
  }

  /** Aborts when gossip is disposed of, or its cluster has ended. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Whether it is a member that has not left. */
  isMember(id: NodeId): boolean {
    const state = this.cluster.membership.view.members.get(id)?.state;
    return state !== undefined && state !== 'left';
  }

  /** @throws ClusterError `CLOSED` */
  checkOpen(): void {
    if (this.signal.aborted) throw new ClusterError('CLOSED', 'gossip: disposed, or its cluster was stopped');
  }

  /** False when the carrier has no room. */
  spread(key: string, bytes: Uint8Array): boolean {
    return this.carrier.spread(gossipTopic.SHARED_STATE, bytes, { key });
  }

  /**
   * What is said but once. Few tell a rumour few times, by which one of them may be missed: they are told directly as well.
   * False when the carrier has no room.
   */
  announce(key: string, bytes: Uint8Array): boolean {
    if (!this.spread(key, bytes)) return false;
    if (this.carrier.size > FEW) return true;
    for (const id of this.cluster.membership.view.members.keys()) {
      if (id !== this.selfId) this.carrier.tell(id, gossipTopic.SHARED_STATE, bytes);
    }
    return true;
  }

  /** What is to be told by all means: again later when the carrier has no room now. */
  spreadSurely(key: string, bytes: () => Uint8Array | undefined): void {
    const now = bytes();
    if (now === undefined || this.spread(key, now)) {
      this.#unspread.delete(key);
      return;
    }
    this.#unspread.set(key, bytes);
    this.#retry ??= this.clock.setTimer(RETRY_MS, () => {
      this.#retry = undefined;
      for (const [each, content] of this.#unspread) this.spreadSurely(each, content);
    });
  }

  /** Logs what peers can cause, each kind at most once in five seconds. */
  warn(kind: string, message: string, error?: unknown): void {
    const now = this.clock.now();
    if (now < (this.#quietUntil.get(kind) ?? 0)) return;
    this.#quietUntil.set(kind, now + QUIET_MS);
    if (error === undefined) this.logger.warn(`gossip: ${message}`);
    else this.logger.warn(`gossip: ${message}`, error);
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#retry?.cancel();
    this.#unspread.clear();
  }
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkName(owner: string, name: string, value: unknown): void {
  const isName = typeof value === 'string' && value !== '' && value.isWellFormed();
  if (isName && new TextEncoder().encode(value).byteLength <= MAX_NAME_BYTES) return;
  throw invalidOption(owner, name, `a text of 1 to ${MAX_NAME_BYTES} bytes`, value);
}

/** @throws ClusterError `INVALID_OPTIONS` when it doesn't fit a rumour */
export function rumourOf(owner: string, news: News): Uint8Array {
  const bytes = encodeNews(news);
  if (bytes.byteLength <= MAX_RUMOUR_BYTES) return bytes;
  const expected = `at most ${MAX_RUMOUR_BYTES} bytes`;
  throw invalidOption(owner, 'all of a rumour, with names and ids,', expected, bytes.byteLength);
}
