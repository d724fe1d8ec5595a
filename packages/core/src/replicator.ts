import type { CallOptions } from './call-options.ts';
import type { NodeId } from './cluster-node.ts';
import type { ReadConsistency, WriteConsistency } from './consistency.ts';

/** How a command is replicated. */
export interface WriteOptions extends CallOptions {
  readonly consistency?: WriteConsistency;
  readonly timeoutMs?: number;
}

/** How a query is answered. */
export interface ReadOptions extends CallOptions {
  readonly consistency?: ReadConsistency;
  readonly timeoutMs?: number;
}

/** How far another node has come, as the leader knows. */
export interface PeerProgress {
  readonly nodeId: NodeId;
  /** The last index known to be stored there. */
  readonly matchIndex: bigint;
  /** How far it is behind the leader's last index. */
  readonly lag: number;
}

/** Where replication stands, as this node knows. */
export interface ReplicationStatus {
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner';
  readonly term: bigint;
  readonly commitIndex: bigint;
  readonly appliedIndex: bigint;
  readonly leader: NodeId | undefined;
  readonly peers: readonly PeerProgress[];
}

/** What a replicator can do, for programs and contract suites to ask. */
export interface ReplicatorSupport {
  readonly write: readonly ('local' | 'acks' | 'quorum' | 'all')[];
  readonly read: readonly ('local' | 'bounded' | 'session' | 'lease' | 'linearizable')[];
  readonly sessions: boolean;
}

/** A client's session: a command replicated through it takes effect once, however often it is retried. */
export interface Session<C, R> extends AsyncDisposable {
  readonly id: string;
  /**
   * Like `Replicator.replicate`, but attempts that may have been lost on the way are repeated until `timeoutMs` is over: the
   * command takes effect once. Calls may overlap; then their commands take effect in any order.
   * @throws ClusterError as `Replicator.replicate`; `SESSION_EXPIRED`
   */
  replicate(command: C, options?: WriteOptions): Promise<R>;
}

/**
 * Commands in one order on every replica of a state machine.
 * A write that fails says in `outcome` whether it certainly was not applied. Retry an unknown one only in a session.
 */
export interface Replicator<C, R, Q, A> extends AsyncDisposable {
  readonly supports: ReplicatorSupport;
  /** Reads what is stored and begins to take part. Called once, before the transport starts: it must not wait for peers. */
  start(options?: CallOptions): Promise<void>;
  /** @throws ClusterError `NOT_LEADER`, `QUORUM_LOST`, `TIMEOUT`, `OVERLOADED`, `ABORTED` */
  replicate(command: C, options?: WriteOptions): Promise<R>;
  /** In order and without other commands between; results likewise. */
  replicateBatch(commands: readonly C[], options?: WriteOptions): Promise<readonly R[]>;
  /**
   * Has the query answered by this node's replica, once that is as fresh as `consistency` asks for.
   * @throws ClusterError `NOT_LEADER`, `QUORUM_LOST`, `TIMEOUT`, `OVERLOADED`, `ABORTED`
   */
  read(query: Q, options?: ReadOptions): Promise<A>;
  /**
   * Opens one that lasts until it is disposed, or long after this node has fallen silent.
   * @throws ClusterError as `replicate`; `UNSUPPORTED` where `supports.sessions` is false
   */
  openSession(options?: CallOptions): Promise<Session<C, R>>;
  /** What this node knows now. Cheap. */
  status(): ReplicationStatus;
  /** What is now, then each change; a slow reader gets the newest. */
  watch(options?: CallOptions): AsyncIterable<ReplicationStatus>;
}

/** Any replicator, whatever its commands, results, queries and answers. */
export type AnyReplicator = Replicator<never, unknown, never, unknown>;
