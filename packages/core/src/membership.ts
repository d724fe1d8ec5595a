import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';

/** `left` is told by the node itself; `unreachable` is what others believe of a node that is silent. */
export type MemberState = 'alive' | 'suspect' | 'unreachable' | 'left';

export type LeaveReason = 'graceful_shutdown';
export type FailureReason = 'heartbeat_timeout' | 'connection_refused' | 'connection_closed';

export interface Member {
  readonly node: ClusterNode;
  readonly state: MemberState;
  readonly incarnation: number;
  /** When the state began, by the observer's clock. */
  readonly since: MonotonicMs;
}

/** Who is there, as one node sees it. Immutable: each change makes a new one. It says nothing about who may vote. */
export interface MembershipView {
  /** Grows by one with each change. */
  readonly version: number;
  readonly members: ReadonlyMap<NodeId, Member>;
}

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

export interface Membership extends AsyncDisposable {
  /** Includes this node, always `alive`. */
  readonly view: MembershipView;
  /** Begins to observe. Called once, before the transport starts. */
  start(options?: CallOptions): Promise<void>;
  /** Changes from the call on; at most 1,024 unread, then the oldest are dropped. */
  watch(options?: CallOptions): AsyncIterable<MembershipChange>;
}
