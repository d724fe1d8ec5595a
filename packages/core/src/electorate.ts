import { isNodeId, type NodeId } from './cluster-node.ts';

/**
 * Who may vote: an explicit set with a generation. Every vote carries the generation, so that two sets are never
 * counted together. A majority is one of this set, never of those who are seen.
 */
export interface Electorate {
  /** Grows with each change of the set; at least 1. */
  readonly generation: number;
  /** In order of id, without duplicates. */
  readonly voters: readonly NodeId[];
}

/** The smallest number of voters such that any two such groups share one. */
export function majorityOf(electorate: Electorate): number {
  return Math.floor(electorate.voters.length / 2) + 1;
}

/** Whether a value from disk or a peer is an electorate in its normal form. */
export function isElectorate(value: unknown): value is Electorate {
  if (typeof value !== 'object' || value === null) return false;
  const { generation, voters } = value as Partial<Record<keyof Electorate, unknown>>;
  if (typeof generation !== 'number' || !Number.isSafeInteger(generation) || generation < 1) return false;
  if (!Array.isArray(voters) || voters.length === 0 || !voters.every(isNodeId)) return false;
  return voters.every((id, at) => at === 0 || (voters[at - 1] as NodeId) < id);
}
