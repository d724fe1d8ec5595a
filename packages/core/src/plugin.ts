import type { Address } from './address.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { Security } from './security.ts';
import type {
  ClusterContext,
  FormationContext,
  MembershipContext,
  ReplicatorContext,
  StorageContext,
  TransportContext,
} from './context.ts';

/** Which part of a cluster a plugin makes. */
export type PluginKind =
  | 'transport'
  | 'storage'
  | 'membership'
  | 'discovery'
  | 'formation'
  | 'election'
  | 'replicator'
  | 'locks';

/** What a part needs of the others, or gives to them; compared when the cluster is built. */
export type Capability =
  | 'transport'
  | 'secured-streams'
  | 'storage'
  | 'durable-storage'
  | 'log'
  | 'formation'
  | 'election';

/** The context that `create` of each kind gets: a part is made from those made before it. */
export interface PluginContexts {
  readonly storage: StorageContext;
  readonly transport: TransportContext;
  readonly membership: MembershipContext;
  readonly discovery: ClusterContext;
  readonly formation: FormationContext;
  readonly election: ClusterContext;
  readonly replicator: ReplicatorContext;
  readonly locks: ClusterContext;
}

/** What is known of a node before anything of it is made. */
export interface ClusterPlan {
  /** With the address to advertise; its port may be 0. */
  readonly self: ClusterNode;
  readonly bind: Address;
  readonly security: Security;
  /** All that were chosen, for parts that have to agree with each other about something. */
  readonly parts: readonly Plugin<unknown>[];
}

/**
 * A part, chosen and configured but not yet made. An adapter exports a factory that checks its options and returns
 * one: `consulDiscovery(options): Plugin<IClusterDiscovery, 'discovery'>`.
 */
export interface Plugin<T, K extends PluginKind = PluginKind> {
  /** As the package is called, for messages: `discovery-consul`. */
  readonly name: string;
  readonly kind: K;
  /** Each must be provided by another chosen part, or the cluster is refused. */
  readonly requires: readonly Capability[];
  /** Beyond the plain one of its kind (`transport`, `storage`, `formation`, `election`), which is implied. */
  readonly provides?: readonly Capability[];
  /**
   * Refuses what the cluster was asked for and this part cannot do, or cannot do beside the others; called when the
   * cluster is built.
   * @throws ClusterError `INVALID_OPTIONS`, naming the option
   */
  check?(plan: ClusterPlan): void;
  /** Makes the part, without I/O. Called once per node. */
  create(context: PluginContexts[K]): T;
}
