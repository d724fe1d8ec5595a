import type { CallOptions, ClusterError, NodeId } from '@quorate/core';
import type { GossipValue } from './gossip-value.ts';
import type { QueryFilter } from './query-filter.ts';
import type { SettingVersion } from './setting-table.ts';

/** A change of what a node tells of itself. */
export type StateChange =
  | { readonly type: 'set'; readonly nodeId: NodeId; readonly key: string; readonly value: GossipValue }
  | { readonly type: 'removed'; readonly nodeId: NodeId; readonly key: string }
  /** The node left or was forgotten, and all it told with it. */
  | { readonly type: 'gone'; readonly nodeId: NodeId };

/** What each node tells of itself: statistics, roles, load. Small, and the newest is what counts. */
export interface NodeStates {
  /**
   * Of this node. At most 64 keys in a run of the node, removed ones included, and 4,096 bytes in all; one key and its value
   * fit a rumour of 512 bytes, beside the node's id.
   * @throws ClusterError `INVALID_OPTIONS`, `OVERLOADED` when there are too many or they are too large, `CLOSED`
   */
  set(key: string, value: GossipValue): void;
  /** Of this node. Nothing when it isn't there. @throws ClusterError `CLOSED` */
  remove(key: string): void;
  /** The nodes of which anything is known: members that have not left. */
  readonly nodes: readonly NodeId[];
  /** What is known of a node, as it is now. Undefined when that is nothing, or the node is no member or has left. */
  of(nodeId: NodeId): ReadonlyMap<string, GossipValue> | undefined;
  /** Changes from the call on, this node's own too; at most 1,024 unread, then the oldest are dropped. */
  watch(options?: CallOptions): AsyncIterable<StateChange>;
}

/** A value of the shared configuration, with its version. */
export interface Setting {
  readonly value: GossipValue;
  readonly version: SettingVersion;
}

/** A value of the shared configuration that changed. */
export interface SettingChange {
  readonly key: string;
  /** Undefined when it was removed. */
  readonly setting: Setting | undefined;
}

/** How a value of the shared configuration is written. */
export interface SettingWriteOptions {
  /**
   * Only if this is the version that this node knows of; `none`: only if it knows of no value. It is compared here and
   * nowhere else: two nodes that do so at once both succeed, and the later version stands.
   */
  readonly ifVersion?: SettingVersion | 'none' | undefined;
}

/**
 * Values that all nodes come to share, the last writer of each winning. Any node writes, and nobody agrees: it is for what
 * may be wrong for a moment. What must not be belongs into a replicator.
 */
export interface Configuration {
  get(key: string): Setting | undefined;
  /** What is set, in order of key. */
  readonly entries: ReadonlyMap<string, Setting>;
  /**
   * The version that it got; undefined, and nothing is done, when it was to have another.
   * @throws ClusterError `INVALID_OPTIONS`, `OVERLOADED` when there are 256 already, `CLOSED`
   */
  set(key: string, value: GossipValue, options?: SettingWriteOptions): SettingVersion | undefined;
  /** Whether it was there, in that version. @throws ClusterError `CLOSED`, `OVERLOADED` */
  remove(key: string, options?: SettingWriteOptions): boolean;
  /** Changes from the call on, this node's own too; at most 1,024 unread, then the oldest are dropped. */
  watch(options?: CallOptions): AsyncIterable<SettingChange>;
}

/** About a broadcast. */
export interface BroadcastOrigin {
  readonly from: NodeId;
  /** Of a Lamport clock: what was told by who had heard of another has a later one. */
  readonly time: number;
}

/** What is done with a broadcast. What it throws is logged. */
export type BroadcastHandler = (payload: GossipValue, origin: BroadcastOrigin) => unknown;

export interface QueryOptions extends CallOptions {
  /**
   * For how long answers are waited for.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /** @default all nodes that have a handler, this one too */
  readonly filter?: QueryFilter;
  /**
   * How many answers end the query.
   * @default 1024
   */
  readonly maxAnswers?: number;
  /**
   * How many bytes all answers may have; one that would make it more ends the query with `OVERLOADED`.
   * @default 1048576
   */
  readonly maxBytes?: number;
}

/** What one node has answered, or why it hasn't. */
export type QueryAnswer =
  | { readonly type: 'answer'; readonly from: NodeId; readonly value: GossipValue }
  /** Its handler failed, was too busy, or gave what can't be sent. */
  | { readonly type: 'failed'; readonly from: NodeId; readonly error: ClusterError };

export interface AskedQuery extends BroadcastOrigin {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Undefined gives no answer. */
export type QueryHandler = (
  payload: GossipValue,
  query: AskedQuery,
) => GossipValue | undefined | Promise<GossipValue | undefined>;

/** What all nodes of a cluster tell each other without asking anybody for permission. */
export interface Gossip extends AsyncDisposable {
  readonly states: NodeStates;
  readonly configuration: Configuration;
  /**
   * Tells all nodes that are there, this one too. It reaches all with high probability, each at most once, in no order.
   * @throws ClusterError `INVALID_OPTIONS` when it doesn't fit a rumour of 512 bytes, `OVERLOADED` when too much waits to be
   * told, `CLOSED`
   */
  broadcast(name: string, payload: GossipValue): void;
  /** One handler a name, else `INVALID_OPTIONS`. What it throws is logged. Disposing removes it. */
  onBroadcast(name: string, handler: BroadcastHandler): Disposable;
  /**
   * Asks all nodes, or those of the filter. Answers come as they arrive, one a node at most; the iteration ends after
   * `timeoutMs`, or with `maxAnswers`, or when all `filter.nodes` have answered, or with the signal.
   * @throws ClusterError `INVALID_OPTIONS` when it doesn't fit a rumour of 512 bytes, `OVERLOADED` when too many are under
   * way, `CLOSED`
   */
  query(name: string, payload: GossipValue, options?: QueryOptions): AsyncIterable<QueryAnswer>;
  /** One handler a name, else `INVALID_OPTIONS`. It is called at most once for a query. Disposing removes it. */
  onQuery(name: string, handler: QueryHandler): Disposable;
}
