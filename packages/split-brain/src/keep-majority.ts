import { checkOptions, isNodeId, type NodeId, rule } from '@quorate/core';

import type { SplitBrainStrategy } from './strategy.ts';

/** What `keepMajority` is told. */
export interface KeepMajorityOptions {
  /**
   * The nodes whose majority counts, the same list on each: for clusters whose nodes are known. Others survive with the side
   * that they are on.
   * @default all that the view has and that were not removed: a base that shrinks with each removal, and grows with who joins
   */
  readonly members?: readonly NodeId[];
}

const rules = {
  members: rule.value<readonly NodeId[]>(
    'a list of different node ids, with at least one',
    (value) =>
      Array.isArray(value) && value.length > 0 && value.every(isNodeId) && new Set(value).size === value.length,
  ),
};

/**
 * The side with more than half of the nodes goes on. Of two halves none does.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function keepMajority(options: KeepMajorityOptions = {}): SplitBrainStrategy {
  const { members } = checkOptions<KeepMajorityOptions>('keepMajority', rules, options);
  const base = members === undefined ? undefined : new Set(members);
  return {
    name: 'keepMajority',
    decide: ({ reachable, unreachable }) => {
      const here = reachable.filter(({ node }) => base?.has(node.id) ?? true).length;
      const all = base?.size ?? reachable.length + unreachable.length;
      return 2 * here > all ? { type: 'survive' } : { type: 'down', reason: 'minority' };
    },
  };
}
