import { type Cluster, formatAddress } from '@quorate/core';
import type { NodeStatus } from '../broker/node-status.ts';
import type { BrokerReplicator } from '../http/broker.ts';
import type { LocalView } from '../http/local-view.ts';
import type { RequestCounts } from '../http/requests.ts';

/** What this node sees now, without asking anybody. */
export function nodeStatus(
  cluster: Cluster<BrokerReplicator>,
  local: Pick<LocalView, 'queues'>,
  { all: requests }: RequestCounts,
): NodeStatus {
  const { leader } = cluster;
  return {
    id: cluster.self.id,
    cluster: cluster.name,
    members: cluster.nodes.map(({ node, state }) => ({ id: node.id, address: formatAddress(node), state })),
    elected: leader && { id: leader.nodeId, token: String(leader.token) },
    replication: replicationOf(cluster),
    queues: local.queues(),
    requests,
  };
}

/** Undefined once the cluster is stopped. */
function replicationOf(cluster: Cluster<BrokerReplicator>): NodeStatus['replication'] {
  try {
    const { role, leader, term, commitIndex, appliedIndex, peers } = cluster.replicator.status();
    return {
      role,
      leader,
      term: Number(term),
      commitIndex: Number(commitIndex),
      appliedIndex: Number(appliedIndex),
      peers: peers.map(({ nodeId, matchIndex, lag }) => ({ id: nodeId, matchIndex: Number(matchIndex), lag })),
    };
  } catch {
    return undefined;
  }
}
