import type { LeaderElection, NodeId, Plugin } from '@quorate/core';
import { electionProfiles, majorityElection } from '@quorate/election-majority';
import { raftElection, raftProfiles } from '@quorate/election-raft';
import { raftReplicator } from '@quorate/replicator-raft';
import type { DiscoveryInput } from './discoveries.ts';
import type { ReplicatedLedger, TicketReplicator } from './replicated-ledger.ts';

/** The names that the profiles of all elections share. */
export type Profile = keyof typeof electionProfiles & keyof typeof raftProfiles;

export const profiles: readonly Profile[] = ['fast', 'lan', 'wan'];

/** What the parts are made from. */
export interface PartsInput extends DiscoveryInput {
  readonly voters: readonly NodeId[];
  readonly profile: Profile;
  /** Makes this node's copy of the ledger, where the ledger is replicated. */
  readonly ledger: () => ReplicatedLedger;
}

/** How a leader is elected, and what comes with that. */
export interface ElectionParts {
  readonly election: Plugin<LeaderElection, 'election'>;
  /** Keeps the ledger on every node; without it, the ledger is a resource outside the cluster. */
  readonly replicator?: Plugin<TicketReplicator, 'replicator'>;
}

/** The ways to elect a leader, by the names of `--election`. */
export const elections = {
  majority: ({ voters, profile }: PartsInput): ElectionParts => ({ election: majorityElection({ voters, profile }) }),
  raft: ({ voters, profile, ledger }: PartsInput): ElectionParts => {
    const group = { voters, profile };
    const replicator = raftReplicator({
      ...group,
      machine: ledger,
      sessionTtlMs: SESSION_TTL_MS,
      snapshots: { everyEntries: SNAPSHOT_ENTRIES },
    });
    return { election: raftElection(group), replicator };
  },
} as const;

/** So long may a leader be paused and still be told what became of its ticket. */
const SESSION_TTL_MS = 3_600_000;
/** About what is numbered in two minutes: a node that starts applies no more than that again. */
const SNAPSHOT_ENTRIES = 2_000;

/** The longest that a voter waits for a leader before it stands for election. */
export const electionMaxMs: Readonly<Record<ElectionName, (profile: Profile) => number>> = {
  majority: (profile) => electionProfiles[profile].electionMaxMs,
  raft: (profile) => 2 * raftProfiles[profile].electionMs,
};

/** Whether each node has a copy of the ledger. */
export function isReplicated(election: ElectionName): boolean {
  return election === 'raft';
}

export type ElectionName = keyof typeof elections;

/** The names under which something can be chosen, for messages and for checking. */
export function namesOf<T extends object>(registry: T): readonly (keyof T & string)[] {
  return Object.keys(registry) as (keyof T & string)[];
}
