import { GossipNode } from './gossip-node.ts';
import type { Gossip } from './gossip.ts';
import { Ground, type GossipCluster } from './ground.ts';
import { type GossipOptions, readGossipOptions } from './options.ts';

/**
 * Small state, broadcasts and queries for all nodes of a cluster, carried by its membership. Made once on each node, when the
 * cluster has started; it ends with the cluster, or when it is disposed of. What this node has told stays told until it goes.
 * @throws ClusterError `UNSUPPORTED` when the membership spreads no rumours, `INVALID_OPTIONS`, also when the cluster has
 * gossip already, `CLOSED` when the cluster has not started, or has been stopped
 */
export function createGossip(cluster: GossipCluster, options: GossipOptions = {}): Gossip {
  const settings = readGossipOptions(options);
  return new GossipNode(new Ground(cluster), settings);
}
