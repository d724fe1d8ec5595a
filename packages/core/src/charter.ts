import { ClusterError } from './cluster-error.ts';
import { isNodeId, type NodeId } from './cluster-node.ts';
import type { ClusterIdentity } from './context.ts';

/** What a cluster was formed with: agreed on once, and from then on the same on every node of it. */
export interface Charter {
  readonly clusterId: string;
  /** The first voters, generation 1 of every electorate: in order of id, without duplicates. */
  readonly founders: readonly NodeId[];
}

/** So many can found a cluster. */
export const MAX_FOUNDERS = 101;

/** Whether a value from disk, a registry or a peer is a charter in its normal form. */
export function isCharter(value: unknown): value is Charter {
  if (typeof value !== 'object' || value === null) return false;
  const { clusterId, founders } = value as Partial<Record<keyof Charter, unknown>>;
  return isNodeId(clusterId) && areFounders(founders);
}

/**
 * Who founded the cluster: the voters of a part that was told `voters: 'founders'`. Such a part requires `formation`, and
 * asks in its `create`.
 * @throws ClusterError `INVALID_OPTIONS` where nothing forms the cluster
 */
export function foundersOf({ cluster }: { readonly cluster: ClusterIdentity }): readonly NodeId[] {
  if (cluster.charter !== undefined) return cluster.charter.founders;
  throw new ClusterError('INVALID_OPTIONS', `voters is 'founders', but it is not known who founded ${cluster.name}`);
}

/** Whether voters are given as the founders of the cluster, in place of a list. */
export function areFounders(value: unknown): value is readonly NodeId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_FOUNDERS) return false;
  return value.every((id, at) => isNodeId(id) && (at === 0 || (value[at - 1] as NodeId) < id));
}
