import type { Cluster } from './cluster.ts';
import { type CheckedClusterOptions, type ClusterOptions, clusterRules } from './cluster-options.ts';
import { ClusterRuntime } from './cluster-runtime.ts';
import { compose } from './composition.ts';
import { checkOptions, invalidOption } from './option-rules.ts';
import type { AnyReplicator } from './replicator.ts';

/**
 * Makes one cluster out of the chosen parts, without starting anything. Every option is checked here: alone, against
 * the others, and against what the parts require of each other.
 *
 * With `enabled: false` the result is a cluster of one with the same API. The chosen parts are checked all the same,
 * so that enabling it later brings no surprise, but only the storage is made, because that is the node's own; nothing
 * listens and nothing is dialled. This node leads from the start with token 1, so don't fence with it what clusters
 * of several fence too. Locks work among the tasks of this node, with tokens that begin at 1 as well. A replicator is
 * refused.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option and what it contradicts
 */
export function createCluster<R extends AnyReplicator = AnyReplicator>(options: ClusterOptions<R>): Cluster<R> {
  const checked = checkOptions<CheckedClusterOptions>('createCluster', clusterRules, options);
  // Whatever the types say: a program in JavaScript may have left it out.
  const { nodeId }: Partial<CheckedClusterOptions> = checked;
  if (nodeId === undefined) throw invalidOption('createCluster', 'nodeId', clusterRules.nodeId.expected, nodeId);
  return new ClusterRuntime<R>(compose(checked));
}
