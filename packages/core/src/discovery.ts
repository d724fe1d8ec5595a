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

/** What a discovery can do, for programs and contract suites to ask. */
export interface DiscoverySupport {
  /** Whether `registerNode` has an effect; where false it rejects with `UNSUPPORTED`. */
  readonly registration: boolean;
  readonly watch: 'push' | 'poll';
  /** Whether the source can decide which of several nodes forms a cluster: whether there is `claim`. */
  readonly createIfAbsent: boolean;
}

/**
 * Who might be there. Advisory: it adds contact points. It never declares a node dead, and a failed or empty lookup
 * never removes one.
 */
export interface IClusterDiscovery extends AsyncDisposable {
  readonly supports: DiscoverySupport;
  /** The last good answer, where the discovery keeps it: how old it is, and whether it was all that there is. */
  readonly lastGood?: DiscoverySnapshot | undefined;
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
   * Stores `value` with the source as what the cluster was formed with, unless something is there already. However often
   * and by however many it is called, the source keeps one value, for ever, and all are told that.
   * @param value up to 16 KiB; undefined only asks
   * @returns what is there afterwards; undefined when nothing is
   * @throws ClusterError when that is not known: `value` may have been stored, and asking again tells
   */
  claim?(value: Uint8Array | undefined, options?: CallOptions): Promise<Uint8Array | undefined>;
  /**
   * The last good answer at once if there is one, then each that differs, for ever: a failing source is tried again,
   * and is silent meanwhile. Ends when the signal aborts or the discovery is disposed. A slow reader gets the newest.
   */
  watch(options?: CallOptions): AsyncIterable<DiscoverySnapshot>;
}
