/**
 * @packageDocumentation
 *
 * Leader election by a Raft group: the leader of the group, while its lease holds, with the term as fencing token.
 */
import type { LeaderElection, Plugin } from '@quorate/core';
import { withGroupUse } from '@quorate/raft-host';
import { type RaftElectionOptions, readOptions } from './options.ts';
import { RaftElection } from './raft-election.ts';

export type { RaftElectionOptions } from './options.ts';
export {
  type AddNodeOptions,
  type ChangeMembersOptions,
  type GroupPhase,
  type RaftMember,
  type RaftMembers,
  raftMembers,
  type RaftProfile,
  raftProfiles,
  type RaftTimings,
} from '@quorate/raft-host';

/**
 * Elects among `voters`; nodes that are none of them observe who leads. Beside `raftReplicator`, given the same group
 * options, both share one group, and where nobody else stands in the way the leader of one is that of the other.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function raftElection(options: RaftElectionOptions): Plugin<LeaderElection, 'election'> {
  const use = readOptions(options);
  const plugin: Plugin<LeaderElection, 'election'> = {
    name: 'election-raft',
    kind: 'election',
    requires: ['transport', 'log'],
    create: (context) => new RaftElection(context, use),
  };
  return withGroupUse(plugin, use);
}
