import { checkOptions, type OptionRules } from '@quorate/core';
import { groupRules, type GroupUse, type RaftGroupOptions, readGroupOptions } from '@quorate/raft-host';

const OWNER = 'raftElection';

/** By what part of true time any clock may run fast or slow, unless told otherwise: far beyond what clocks that work do. */
const DEFAULT_MAX_CLOCK_DRIFT = 0.01;

/** A Raft group to elect by. */
export interface RaftElectionOptions extends RaftGroupOptions {
  /**
   * By what part of true time any node's clock may run fast or slow. Grants are shorter than promises by this margin.
   * The same on every node.
   * @default what the replicator that shares the group is given, or else 0.01
   */
  readonly maxClockDrift?: number;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: RaftElectionOptions): GroupUse<never, never, never, never> {
  const rules: OptionRules<RaftElectionOptions> = groupRules(OWNER);
  const given = checkOptions<RaftElectionOptions>(OWNER, rules, options);
  return { owner: OWNER, settings: readGroupOptions(OWNER, given), defaultMaxClockDrift: DEFAULT_MAX_CLOCK_DRIFT };
}
