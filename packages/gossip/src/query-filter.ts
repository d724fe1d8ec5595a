import { type ClusterNode, isNodeId, type NodeId, type OptionRules, checkOptions, rule } from '@quorate/core';

/** Who is asked: whoever meets all that is given. */
export interface QueryFilter {
  /** These alone. When all of them have answered, the query ends. */
  readonly nodes?: readonly NodeId[];
  readonly zone?: string;
  readonly region?: string;
  /** Those whose metadata have all these. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const isTexts = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((each) => typeof each === 'string');

export const filterRules: OptionRules<QueryFilter> = {
  nodes: rule.list(rule.text('an id of a node', isNodeId)),
  zone: rule.text(),
  region: rule.text(),
  metadata: rule.value<Readonly<Record<string, string>>>('an object of texts', isTexts),
};

/** Undefined of what is none. What a later version may add is not known here, and so nobody is asked. */
export function readFilter(bytes: Uint8Array): QueryFilter | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return checkOptions<QueryFilter>('filter', filterRules, value);
  } catch {
    return undefined;
  }
}

export function matches(node: ClusterNode, { nodes, zone, region, metadata = {} }: QueryFilter): boolean {
  if (nodes !== undefined && !nodes.includes(node.id)) return false;
  if (zone !== undefined && zone !== node.zone) return false;
  if (region !== undefined && region !== node.region) return false;
  return Object.entries(metadata).every(([key, value]) => node.metadata?.[key] === value);
}
