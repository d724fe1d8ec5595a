import type { NodeId } from './cluster-node.ts';

/** Who spreads what; a number as for messages, 1 to 255. */
export type GossipTopic = number;

/** Who speaks, in gossip: each user has a number of its own. */
export const gossipTopic = {
  /** Of `@quorate/gossip`: state of each node, configuration, broadcasts, queries. */
  SHARED_STATE: 1,
  /** The first that is free for users. */
  USER: 128,
} as const;

/** The most bytes of one rumour: it travels in a datagram, beside others. */
export const MAX_RUMOUR_BYTES = 512;

/**
 * The way in which a gossiping membership carries the news of others, beside its own: piggybacked on what it sends anyway.
 * A rumour reaches all with high probability and in no order; what must arrive is exchanged whole as well.
 */
export interface GossipCarrier {
  /** How many nodes a rumour is to reach, this one included: for those who wait for answers. */
  readonly size: number;
  /**
   * Spreads a rumour, a bounded number of times. One with the same topic and `key` that is still being spread makes way
   * for it. False, and nothing is spread, when too many are queued.
   * @throws ClusterError `INVALID_OPTIONS` when it has more than `MAX_RUMOUR_BYTES`
   */
  spread(topic: GossipTopic, payload: Uint8Array, options?: { readonly key?: string }): boolean;
  /**
   * Hands a rumour to one node alone, in a datagram: once, and whether it comes nobody tells. To its handler it is like any
   * other. False when that node is no member, or is gone: then nothing was sent.
   * @throws ClusterError `INVALID_OPTIONS` when it has more than `MAX_RUMOUR_BYTES`
   */
  tell(to: NodeId, topic: GossipTopic, payload: Uint8Array): boolean;
  /**
   * Called with each rumour that comes, also with what was heard before: the handler knows, and returns whether it is news,
   * which is then spread on under the key that it gives. One handler a topic. What it throws is reported, and nothing is
   * spread.
   */
  onRumour(topic: GossipTopic, handler: (payload: Uint8Array) => RumourVerdict): Disposable;
  /**
   * Has two nodes exchange all they know of a topic, now and then and when they meet. `capture` gives at most 256 KiB;
   * `merge` gets what another captured, which anybody may have altered in no way but by being of another version.
   */
  onExchange(topic: GossipTopic, exchange: GossipExchange): Disposable;
}

/** What a user makes of a rumour: news is passed on, and takes the place of what had the same `key`. */
export type RumourVerdict = { readonly isNews: false } | { readonly isNews: true; readonly key?: string };

/** The whole state of a user, told when two nodes exchange theirs. */
export interface GossipExchange {
  /** All that this node knows now, as bytes. */
  capture(): Uint8Array;
  /** Takes what is new to this node. What it throws is logged, and nothing else comes of it. */
  merge(payload: Uint8Array): void;
}
