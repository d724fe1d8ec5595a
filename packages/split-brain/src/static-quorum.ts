import { checkOptions, invalidOption, rule } from '@quorate/core';

import type { SplitBrainStrategy } from './strategy.ts';

/** What `staticQuorum` is told. */
export interface StaticQuorumOptions {
  /** How many nodes a side needs to go on. There must never be more than `2 * size - 1` nodes. */
  readonly size: number;
}

const rules = { size: rule.integer({ min: 1, max: 1_000_000 }) };

/**
 * The side with at least so many nodes goes on. While more nodes are known than `2 * size - 1`, so that two sides could
 * have the quorum, none does.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function staticQuorum(options: StaticQuorumOptions): SplitBrainStrategy {
  // Whatever the types say: a program in JavaScript may have left it out.
  const { size }: Partial<StaticQuorumOptions> = checkOptions<StaticQuorumOptions>('staticQuorum', rules, options);
  if (size === undefined) throw invalidOption('staticQuorum', 'size', rules.size.expected, size);
  const isTooSmall = (nodes: number) => nodes > 2 * size - 1;
  return {
    name: 'staticQuorum',
    decide: ({ reachable, unreachable }) => {
      if (isTooSmall(reachable.length + unreachable.length)) return { type: 'down', reason: 'quorum_too_small' };
      return reachable.length >= size ? { type: 'survive' } : { type: 'down', reason: 'below_quorum' };
    },
    objection: ({ length }) => {
      if (!isTooSmall(length)) return undefined;
      const most = 2 * size - 1;
      const what = `a quorum of ${size} allows ${most} nodes, and there are ${length}: in a partition all would go down`;
      return { what, isFatal: false };
    },
  };
}
