import type { Address } from './address.ts';
import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';
import type { ClusterError } from './cluster-error.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';
import type { GossipCarrier } from './gossip-carrier.ts';
import type { NodeDescription } from './node-description.ts';

/** `left` is told by the node itself; `unreachable` is what others believe of a node that is silent. */
export type MemberState = 'alive' | 'suspect' | 'unreachable' | 'left';

/** Why a member said goodbye. */
export type LeaveReason = 'graceful_shutdown';
/** Why a member came to be suspected or given up. */
export type FailureReason = 'heartbeat_timeout' | 'connection_refused' | 'connection_closed';

/** A node as this one sees it. */
export interface Member {
  readonly node: ClusterNode;
  readonly state: MemberState;
  readonly incarnation: number;
  /**
   * Grows with the order in which nodes joined; equal for those that joined at once. All who see the member see the same.
   * 0 of this node itself until it has its place. Absent where the membership doesn't tell.
   */
  readonly joinOrder?: number;
  /** When the state began, by the observer's clock. */
  readonly since: MonotonicMs;
}

/** Who is there, as one node sees it. Immutable: each change makes a new one. It says nothing about who may vote. */
export interface MembershipView {
  /** Grows by one with each change. */
  readonly version: number;
  readonly members: ReadonlyMap<NodeId, Member>;
}

/** One change of the view, with the view that it made. */
export type MembershipChange =
  | { readonly type: 'joined'; readonly member: Member; readonly view: MembershipView }
  | { readonly type: 'updated'; readonly member: Member; readonly view: MembershipView }
  | {
      readonly type: 'suspected';
      readonly member: Member;
      readonly reason: FailureReason;
      readonly view: MembershipView;
    }
  | { readonly type: 'failed'; readonly member: Member; readonly reason: FailureReason; readonly view: MembershipView }
  | { readonly type: 'left'; readonly member: Member; readonly reason: LeaveReason; readonly view: MembershipView };

/** Where addresses go that somebody answers at, perhaps: a transport that dials them all, or who chooses among them. */
export interface ContactSink {
  /** Somebody may be there: it is tried to reach them, again and again. Idempotent. */
  addContact(address: Address): void;
  /** Nobody needs to be there any more. Whoever is known from there stays a member as long as it answers. */
  removeContact(address: Address): void;
}

/** What came from outside and was not believed. `error` says of whom it was, and why, by the code `REFUSED`. */
export interface RefusedDatagram {
  readonly remote: Address;
  readonly error: ClusterError;
}

/** Who is there, in the eyes of this node. */
export interface Membership extends AsyncDisposable {
  /** Includes this node, always `alive`. */
  readonly view: MembershipView;
  /** Begins to observe. Called once, before the transport starts. */
  start(options?: CallOptions): Promise<void>;
  /**
   * Takes what discovery and `seedNodes` name, and has the transport dial whom it wants.
   * @default the transport, which then dials all
   */
  readonly contacts?: ContactSink;
  /** Carries the news of others, where the membership gossips. */
  readonly carrier?: GossipCarrier;
  /**
   * Tells the others that this node is leaving, for good or to be restarted, and resolves once more than half of the others
   * that are alive have marked it as left and said so; at once when there are none. Those that leave meanwhile don't count.
   * From then on they neither suspect this node nor have it joined, though it is still connected: until another incarnation
   * of it comes. Later calls share the first; the signal of a call ends its own wait only.
   * @throws ClusterError `TIMEOUT` after a bound of the membership's own, `ABORTED`, `CLOSED`: then it may be taken for
   * one that failed
   */
  leave(options?: CallOptions): Promise<void>;
  /**
   * This node describes itself so from now on, to its transport too: its view shows it when the call returns, and a change
   * of the type `updated` tells of it, here and, soon after, in all others that see this node. Of what changes faster than the
   * membership tells, they may see the last only. Whoever comes later or comes back sees it as well, and no older one any
   * more, until another incarnation of this node says otherwise. Nothing when nothing changes.
   * @default a membership that can't
   * @throws ClusterError `INVALID_OPTIONS` as `describedNode` does, or when the membership has less room; `UNSUPPORTED` when the
   * transport can't; `CLOSED` once `leave` was called or it was disposed of, and before the transport runs where it must: then
   * nothing has changed
   */
  describe?(description: NodeDescription): void;
  /**
   * Calls for datagrams that were refused, where the membership receives any: altered ones, those that come again, of
   * strangers. Each reason at most once in five seconds.
   */
  onRefused?(told: (refused: RefusedDatagram) => void): Disposable;
  /** Changes from the call on; at most 1,024 unread, then the oldest are dropped. */
  watch(options?: CallOptions): AsyncIterable<MembershipChange>;
}
