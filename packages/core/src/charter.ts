import { isNodeId, type NodeId } from './cluster-node.ts';

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

export function areFounders(value: unknown): value is readonly NodeId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_FOUNDERS) return false;
  return value.every((id, at) => isNodeId(id) && (at === 0 || (value[at - 1] as NodeId) < id));
}
