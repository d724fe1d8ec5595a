import { checkOptions, type OptionRules } from '@quorate/core';
import { groupRules, type GroupSettings, type RaftGroupOptions, readGroupOptions } from '@quorate/raft-host';

const OWNER = 'raftElection';

/** By what part of true time any clock may run fast or slow, unless told otherwise: far beyond what clocks that work do. */
const DEFAULT_MAX_CLOCK_DRIFT = 0.01;

/** A Raft group to elect by. */
export type RaftElectionOptions = RaftGroupOptions;

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: RaftElectionOptions): GroupSettings {
  const rules: OptionRules<RaftElectionOptions> = groupRules(OWNER);
  const given = checkOptions<RaftElectionOptions>(OWNER, rules, options);
  return readGroupOptions(OWNER, { maxClockDrift: DEFAULT_MAX_CLOCK_DRIFT, ...given });
}
