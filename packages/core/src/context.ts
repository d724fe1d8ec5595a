import type { Address } from './address.ts';
import type { Charter } from './charter.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { ConsistencyLevel } from './consistency.ts';
import type { IClusterDiscovery } from './discovery.ts';
import type { LeaderElection } from './election.ts';
import type { DebugScopes } from './logger.ts';
import type { Membership } from './membership.ts';
import type { Security } from './security.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';
import type { Transport } from './transport.ts';

/** What a storage is made from. */
export interface StorageContext extends System {
  readonly nodeId: string;
}

/** What a transport is made from. */
export interface TransportContext extends System {
  /**
   * This node, with the address to advertise. Its port may be 0: then the bound one is advertised. In the contexts of
   * the parts made after the transport this is the transport's own `self`: read it when it is needed, don't copy it.
   */
  readonly self: ClusterNode;
  /** Differs between any two runs of one node, and grows from one to the next where storage is durable. */
  readonly incarnation: number;
  readonly cluster: ClusterIdentity;
  readonly bind: Address;
  readonly security: Security;
  /** Scopes whose details are to be logged. */
  readonly debug: DebugScopes;
}

/** What a membership is made from. */
export interface MembershipContext extends TransportContext {
  readonly transport: Transport;
  readonly storage: Storage | undefined;
}

/** What every other part is made from: the node, its cluster, and the machine. */
export interface ClusterContext extends MembershipContext {
  readonly membership: Membership;
}

/** What a formation is made from. */
export interface FormationContext extends ClusterContext {
  readonly discovery: IClusterDiscovery | undefined;
}

/** What a replicator is made from. */
export interface ReplicatorContext extends ClusterContext {
  /** The cluster's election, for a replicator that stands on one. */
  readonly election: LeaderElection | undefined;
  /** On how many nodes each write is kept. */
  readonly replicationFactor: number;
  /** What reads and writes wait for unless the call says otherwise. */
  readonly consistency: ConsistencyLevel;
}

/** The cluster that a node belongs to, as handshakes carry it. */
export interface ClusterIdentity {
  readonly name: string;
  /** Made once for a cluster. Undefined until it was given or learned from a peer. */
  readonly id: string | undefined;
  /**
   * What it was formed with. Undefined where nothing forms it and nobody has told; known to election and replicator when
   * they are made beside a formation.
   */
  readonly charter?: Charter | undefined;
  /** Called by the transport when a peer of the same name knows the id and this node doesn't; it is then kept. */
  adopt(id: string): void;
}
