import type { Address } from './address.ts';
import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';

/** Somewhere a node might be. The id is there only if the source knows it; the handshake tells for sure. */
export interface DiscoveredNode extends Address {
  readonly id?: NodeId;
  readonly zone?: string;
  readonly region?: string;
  /** Of nodes that the source ranks, those with the lowest are to be preferred. None is as good as 0. */
  readonly priority?: number;
  readonly weight?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a source said at one moment. */
export interface DiscoverySnapshot {
  readonly nodes: readonly DiscoveredNode[];
  /** False when the source is known to have told only a part. */
  readonly complete: boolean;
  /** Which source: the adapter's name, with the place it asked where there are several. */
  readonly source: string;
  /** The source's own version of this answer, where it has one. */
  readonly revision?: string;
  /** When the answer arrived. */
  readonly observedAt: MonotonicMs;
}

export interface DiscoverySupport {
  /** Whether `registerNode` has an effect; where false it rejects with `UNSUPPORTED`. */
  readonly registration: boolean;
  readonly watch: 'push' | 'poll';
  /** Whether the source can decide which of several nodes forms a cluster. */
  readonly createIfAbsent: boolean;
}

/**
 * Who might be there. Advisory: it adds contact points. It never declares a node dead, and a failed or empty lookup
 * never removes one.
 */
export interface IClusterDiscovery extends AsyncDisposable {
  readonly supports: DiscoverySupport;
  /**
   * Asks the source now.
   * @throws ClusterError when the source fails: an error is never told as "nobody"
   */
  discoverNodes(options?: CallOptions): Promise<readonly DiscoveredNode[]>;
  /** Tells the source of this node and keeps it told, until unregistered or disposed. Idempotent. */
  registerNode(node: ClusterNode, options?: CallOptions): Promise<void>;
  /** Idempotent; fine for a node that was never registered. */
  unregisterNode(nodeId: NodeId, options?: CallOptions): Promise<void>;
  /**
   * The last good answer at once if there is one, then each that differs, for ever: a failing source is tried again,
   * and is silent meanwhile. Ends when the signal aborts or the discovery is disposed. A slow reader gets the newest.
   */
  watch(options?: CallOptions): AsyncIterable<DiscoverySnapshot>;
}
