import { checkOptions, invalidOption, MAX_FOUNDERS, type OptionRules, rule } from '@quorate/core';

/** What `clusterFormation` is told. */
export interface ClusterFormationOptions {
  /**
   * How many nodes have to be there before a cluster is formed, and how many found it: its first voters, those with the
   * lowest ids. More than half of all that are ever started without a cluster, or two groups that never hear of each
   * other could each form one. 1 to 101; an odd number gains most from its voters.
   */
  readonly expectedNodes: number;
  /**
   * Whether this node takes part in forming a cluster. False from the day on which there is one: a node that has lost its
   * disk then waits for the cluster, whatever it sees.
   * @default true
   */
  readonly mayForm?: boolean;
  /**
   * For how long the nodes that are seen have to be the same ones, all answering, before they form a cluster, in
   * milliseconds. Longer than it takes from the start of one node until all others have heard of it.
   * @default 5000
   */
  readonly marginMs?: number;
  /**
   * How often others are asked, in milliseconds, until the cluster is known.
   * @default 1000
   */
  readonly lookEveryMs?: number;
}

export type FormationSettings = Required<ClusterFormationOptions>;

const rules: OptionRules<ClusterFormationOptions> = {
  expectedNodes: rule.integer({ min: 1, max: MAX_FOUNDERS }),
  mayForm: rule.flag(),
  marginMs: rule.duration({ min: 0, max: 3_600_000 }),
  lookEveryMs: rule.duration({ min: 10, max: 60_000 }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readFormationOptions(options: ClusterFormationOptions): FormationSettings {
  const { expectedNodes, ...others } = checkOptions<ClusterFormationOptions>('clusterFormation', rules, options);
  if (expectedNodes === undefined) {
    throw invalidOption('clusterFormation', 'expectedNodes', rules.expectedNodes.expected, expectedNodes);
  }
  return { mayForm: true, marginMs: 5_000, lookEveryMs: 1_000, expectedNodes, ...others };
}
