import type { Address } from './address.ts';
import type { CallOptions } from './call-options.ts';
import type { ClusterError } from './cluster-error.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { IClusterDiscovery } from './discovery.ts';
import type { LeaderElection, LeaderInfo, Leadership } from './election.ts';
import type { Listener } from './events.ts';
import type { Locks } from './locks.ts';
import type { FailureReason, LeaveReason, Member, Membership, RefusedDatagram } from './membership.ts';
import type { NodeDescription } from './node-description.ts';
import type { AnyReplicator } from './replicator.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';
import type { Transport } from './transport.ts';

/** A cluster begins as `stopped`, and ends as `stopped` for good: it is started once. */
export type ClusterStatus = 'starting' | 'running' | 'stopping' | 'stopped';

/**
 * What a cluster tells. When a listener runs, the cluster's properties already show what it is told: `nodes` has the
 * member as it is in the event or later, `leader` is the event's, `isLeader` is false when leadership was lost.
 */
export interface ClusterEvents {
  /** A node is there that was not, or had left or failed. */
  readonly nodeJoined: { readonly node: ClusterNode; readonly member: Member };
  /** A node is alive again after suspicion, was restarted, or describes itself differently: this one too, by `describe`. */
  readonly nodeUpdated: { readonly node: ClusterNode; readonly member: Member };
  /** A node is silent; it may come back. */
  readonly nodeSuspected: { readonly node: ClusterNode; readonly member: Member; readonly reason: FailureReason };
  /** A node has been silent for too long. */
  readonly nodeFailed: { readonly node: ClusterNode; readonly member: Member; readonly reason: FailureReason };
  /** A node said goodbye. */
  readonly nodeLeft: { readonly node: ClusterNode; readonly member: Member; readonly reason: LeaveReason };
  /**
   * A connection from outside was refused: a wrong secret, another cluster, another protocol. Or one that stood was ended because what
   * came over it was altered on the way, or broke the protocol (`PROTOCOL`). Strangers can cause many. The error's
   * message says of whom it was, and why.
   */
  readonly connectionRefused: { readonly remote: Address; readonly error: ClusterError };
  /** A datagram was not believed: altered, said again, from a stranger. Each reason at most once in five seconds. */
  readonly datagramRefused: RefusedDatagram;
  /** Another leader was observed, or none is known any more. */
  readonly leaderChanged: { readonly leader: LeaderInfo | undefined; readonly previous: LeaderInfo | undefined };
  /** This node leads. Check `leadership.isValid()` at each use. */
  readonly leadershipAcquired: { readonly leadership: Leadership };
  readonly leadershipLost: { readonly leadership: Leadership; readonly reason: unknown };
  readonly stateChanged: { readonly status: ClusterStatus; readonly previous: ClusterStatus };
  /** Something failed in the background, or while stopping. It was logged; the cluster goes on. */
  readonly error: { readonly error: ClusterError; readonly during: string };
}

/**
 * One node's view of its cluster, and its hold on it. A part that was not chosen throws `UNSUPPORTED` when it is asked
 * for; one that was chosen is there from `start` on, and throws `CLOSED` before. With a formation the members are shown, and
 * told of, while the cluster is being formed; election, replicator and locks are there once it is.
 */
export interface Cluster<R extends AnyReplicator = AnyReplicator> extends AsyncDisposable {
  readonly name: string;
  /** The cluster's id; undefined until it was given, or learned from storage or a peer. */
  readonly id: string | undefined;
  /** This node as it describes itself now; its advertised address is complete once the cluster runs, or is being formed. */
  readonly self: ClusterNode;
  readonly status: ClusterStatus;
  /** The members, this node among them, in order of id: those that left or are unreachable too, for a while. */
  readonly nodes: readonly Member[];
  /** The leader last observed. An observation, possibly old; undefined without an election. */
  readonly leader: LeaderInfo | undefined;
  /** The grant, while this node holds one. */
  readonly leadership: Leadership | undefined;
  /** Whether this node holds a valid grant now, by the clock. */
  readonly isLeader: boolean;
  /**
   * The machine it runs on, with a logger of the cluster's, for what is built on a cluster. `CLOSED` until `start` has
   * loaded it, unless it was handed in.
   */
  readonly system: System;
  readonly transport: Transport;
  readonly storage: Storage;
  readonly membership: Membership;
  readonly discovery: IClusterDiscovery;
  readonly election: LeaderElection;
  readonly replicator: R;
  readonly locks: Locks;
  /**
   * Opens the storage, makes the parts and starts them, within `timings.startTimeoutMs`; resolves when the node can be
   * reached, without waiting for others. Later calls share the first; the signal of such a call ends its own wait only. If a step fails, all that was started is closed
   * again, and the error names the step.
   * @throws ClusterError the code of what failed, `TIMEOUT`, `ABORTED`, or `CLOSED` after `stop`
   */
  start(options?: CallOptions): Promise<Cluster<R>>;
  /**
   * Has this node describe itself anew: what is given takes the place of all that was said of it, what is absent stays. `self`
   * and `nodes` show it when the call returns, and `nodeUpdated` tells of it, here too; the others are told soon after, those
   * that join or come back later as well, and so is a discovery that this node is registered with. When it is started anew it
   * says what `createCluster` is given. A change that comes right after another may take its place on the way.
   * @throws ClusterError `INVALID_OPTIONS`, when it is no description, or with the rest doesn't fit `MAX_NODE_BYTES`, or less
   * where the membership has less room; `UNSUPPORTED` when membership or transport can't; `CLOSED` before the node can be
   * reached, and from `stop` on. Then nothing has changed
   */
  describe(description: NodeDescription): void;
  /**
   * Hands leadership over, unregisters, and closes the parts in the reverse order of their making; between those that have
   * to do with the others and the membership, it tells the others that this node leaves, and has a majority of them
   * acknowledge it. Each step takes at most `timings.stopStepTimeoutMs`. One that fails is reported and the next is done.
   * Never rejects; later calls share the first. A start under way is given up.
   */
  stop(): Promise<void>;
  /** Disposing the result removes the listener. What a listener throws is logged. */
  on<K extends keyof ClusterEvents>(event: K, listener: Listener<ClusterEvents[K]>): Disposable;
}
