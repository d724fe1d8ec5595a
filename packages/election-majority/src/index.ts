/**
 * @packageDocumentation
 *
 * Leader election by majority vote among an explicit set of voters: terms, randomized timeouts, pre-vote, and a
 * fenced grant that has ended before another begins. No log, and no server to run.
 */
import type { Capability, LeaderElection, Plugin } from '@quorate/core';
import { MajorityElection } from './majority-election.ts';
import { type MajorityElectionOptions, type MajorityElectionSettings, readOptions } from './options.ts';

export type { MajorityElectionOptions } from './options.ts';
export { electionProfiles, type ElectionProfile, type ElectionTimings } from './timings.ts';

/**
 * Elects among `voters`; nodes that are none of them observe who leads.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function majorityElection(options: MajorityElectionOptions): Plugin<LeaderElection, 'election'> {
  const settings = readOptions(options);
  return {
    name: 'election-majority',
    kind: 'election',
    requires: required(settings),
    create: (context) => new MajorityElection(context, settings),
  };
}

function required({ electorate, volatileVotes }: MajorityElectionSettings): readonly Capability[] {
  const formation: readonly Capability[] = electorate === 'founders' ? ['formation'] : [];
  return volatileVotes ? ['transport', ...formation] : ['transport', 'durable-storage', ...formation];
}
