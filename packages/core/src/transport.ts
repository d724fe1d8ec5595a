import type { Address } from './address.ts';
import type { CallOptions } from './call-options.ts';
import type { ClusterError } from './cluster-error.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';
import type { NodeDescription } from './node-description.ts';

/** What a message is about. Kinds below 1,024 are Quorate's; those from there to 65,535 are free for users. */
export type MessageKind = number;

/** What a message is for: each part has numbers of its own. */
export const messageKind = {
  /** A leader's heartbeat and its acknowledgement. */
  HEARTBEAT: 1,
  /** Votes, and what leads to them. */
  ELECTION: 2,
  /** Entries of a replicated log. */
  REPLICATE: 3,
  /** Snapshots and anti-entropy. */
  SYNC: 4,
  /** Membership's rumours. */
  GOSSIP: 5,
  /** How a cluster comes to be. */
  FORMATION: 6,
  /** What locks are asked for by nodes that keep none themselves. */
  LOCKS: 7,
  /** What nodes tell all others: answers to their queries, and all of it to one that has just come. */
  SHARED_STATE: 8,
  /** Which side of a partition goes on, told to those who are on it. */
  SPLIT_BRAIN: 9,
  /** What operators ask of a node. */
  OPERATIONS: 10,
  /** The first kind that is free for users. */
  USER: 1024,
} as const;

/** How things stand with a peer. */
export type PeerState = 'disconnected' | 'connecting' | 'connected';

/** Why a connection ended. */
export type DisconnectReason =
  /** The peer said that it is leaving. */
  | 'goodbye'
  /** The connection was closed or reset, as happens when a process dies. */
  | 'closed'
  /** Nothing was heard for too long. */
  | 'timeout'
  /** The peer broke the protocol, or what came was altered on the way. */
  | 'protocol'
  /** One of the two had no use for it any more. */
  | 'released'
  /** This side closed it. */
  | 'local';

/** Another node that answered a handshake once. */
export interface Peer {
  readonly node: ClusterNode;
  readonly incarnation: number;
  readonly state: PeerState;
}

/** What happens to connections. */
export type TransportEvent =
  | { readonly type: 'connected'; readonly peer: Peer }
  /** A peer that is connected describes itself anew. */
  | { readonly type: 'described'; readonly peer: Peer }
  | { readonly type: 'disconnected'; readonly peer: Peer; readonly reason: DisconnectReason }
  /** A dial failed or was refused; it is tried again. */
  | { readonly type: 'unreachable'; readonly address: Address; readonly error: ClusterError }
  /** An incoming connection was refused; or, by the code `PROTOCOL`, one with a peer was ended because of what came over it. */
  | { readonly type: 'refused'; readonly remote: Address; readonly error: ClusterError };

/** How a request is made. */
export interface RequestOptions extends CallOptions {
  /** @default 5000 */
  readonly timeoutMs?: number;
}

/** Whom the handler of requests serves. */
export interface RequestHandlerOptions {
  /**
   * Clients too: programs that know the cluster's secret, or have a certificate of its own, and are no nodes of it. To such
   * a handler `from` is how the client calls itself, and several may share that.
   * @default false: clients are answered with `UNSUPPORTED`
   */
  readonly clients?: boolean;
}

/**
 * Handlers get bytes that are theirs to keep. What they throw, or reject with, is reported and never ends the
 * connection. The next message doesn't wait for a handler that is async.
 */
export type MessageHandler = (from: NodeId, payload: Uint8Array) => unknown;
/** A `ClusterError` keeps its code on the way to the caller; anything else arrives as `REMOTE`. */
export type RequestHandler = (
  from: NodeId,
  payload: Uint8Array,
  options: { readonly signal: AbortSignal },
) => Uint8Array | Promise<Uint8Array>;
/** The stream is reset when the returned promise rejects, and acknowledged to the sender when it resolves. */
export type StreamHandler = (from: NodeId, chunks: AsyncIterable<Uint8Array>) => Promise<void>;

/** The sending end of a stream of chunks. */
export interface OutgoingStream extends AsyncDisposable {
  /** Resolves when the receiver's window took the chunk; one write at a time. Rejects once the stream has failed. */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when the receiver's handler has; rejects with what it rejected with. */
  end(): Promise<void>;
}

/**
 * Messages between nodes. There is one live connection per pair of nodes, whoever dialled; messages of one connection
 * arrive in the order they were sent. Bytes that were given to `send` and `request` are the caller's again when the
 * call has returned, those of a stream's `write` when it has resolved. What is no
 * kind or no bytes is refused with `INVALID_OPTIONS`.
 *
 * Where clients are served, they are none of `peers`, no event tells of them, nothing is sent to them but answers, and of
 * what they send only requests arrive, at handlers that are for them too.
 */
export interface Transport extends AsyncDisposable {
  /** This node as it describes itself now, with its advertised address, complete once `start` has resolved. */
  readonly self: ClusterNode;
  /**
   * Binds, and begins to accept and to dial. Handlers are registered before.
   * @throws ClusterError `IO` when the address cannot be bound
   */
  start(options?: CallOptions): Promise<void>;
  /**
   * This node describes itself so from now on: in `self`, in every handshake that begins after the call, and to those that
   * are connected, who are told no more often than every `DESCRIPTION_INTERVAL_MS`: of what comes faster the last counts.
   * Nothing when nothing changes. Memberships call it; a program asks its cluster.
   * @default a transport that can't
   * @throws ClusterError `INVALID_OPTIONS` as `describedNode` does, `CLOSED`: then nothing has changed
   */
  describe?(description: NodeDescription): void;
  /** Tries for ever to be connected to whoever answers there. Idempotent; this node's own address is harmless. */
  addContact(address: Address): void;
  /** Stops trying. A live connection stays. */
  removeContact(address: Address): void;
  /**
   * Closes the connection with a peer, for whom has no use for it any more: to both it is `released`, and neither takes the
   * other for gone. It comes again only where one of them has the other as a contact. Nothing when there is none.
   */
  release(id: NodeId): void;
  /** Every peer that answered a handshake and was not forgotten, in order of id. */
  readonly peers: readonly Peer[];
  /** One of `peers`, connected or not. */
  peer(id: NodeId): Peer | undefined;
  /** At most once. False when the peer is not connected or its queue is full: then nothing was sent. */
  send(to: NodeId, kind: MessageKind, payload: Uint8Array): boolean;
  /**
   * Like `send`, of a message in parts, with nothing copied and without waiting for the turn to end: for who has gathered
   * a turn's worth by itself. The bytes must not change any more.
   */
  sendNow(to: NodeId, kind: MessageKind, parts: readonly Uint8Array[]): boolean;
  /**
   * Asks once and waits for the answer.
   * @throws ClusterError `DISCONNECTED`, `TIMEOUT`, `ABORTED` (`outcome` tells whether it may have arrived),
   * `OVERLOADED`, `UNSUPPORTED` when the peer has no handler, `REMOTE` or the handler's own code
   */
  request(to: NodeId, kind: MessageKind, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Opens a stream of chunks with backpressure. Errors as for `request`. */
  openStream(to: NodeId, kind: MessageKind, options?: CallOptions): Promise<OutgoingStream>;
  /** One handler a kind; a second throws `INVALID_OPTIONS`. Disposing removes it. Unknown kinds are dropped. */
  onMessage(kind: MessageKind, handler: MessageHandler): Disposable;
  /** As `onMessage`, for requests: what the handler resolves to is the answer. Unknown kinds are answered with `UNSUPPORTED`. */
  onRequest(kind: MessageKind, handler: RequestHandler, options?: RequestHandlerOptions): Disposable;
  /** As `onMessage`, for streams. Streams of unknown kinds are refused with `UNSUPPORTED`. */
  onStream(kind: MessageKind, handler: StreamHandler): Disposable;
  /** The subscription begins with the call. It holds at most 1,024 unread events; then the oldest are dropped. */
  watch(options?: CallOptions): AsyncIterable<TransportEvent>;
}

/** A connection with one node, of a program that is none: it is no peer of that node, and nobody dials it. */
export interface TransportClient extends AsyncDisposable {
  /** Who has answered. */
  readonly node: ClusterNode;
  /** The cluster's id, where the node knows it. */
  readonly clusterId: string | undefined;
  /** Whether the connection stands. One that has ended doesn't come again. */
  readonly isConnected: boolean;
  /** As `request` of a transport; `UNSUPPORTED` also where the handler doesn't serve clients. */
  request(kind: MessageKind, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
}
