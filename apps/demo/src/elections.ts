import type { LeaderElection, Plugin } from '@quorate/core';
import type { PartsInput, Profile } from './parts.ts';
import type { TicketReplicator } from './replicated-ledger.ts';
import type { StartedServer } from './started-server.ts';

/** How a leader is elected, and what comes with that. */
interface ElectionParts {
  readonly election: Plugin<LeaderElection, 'election'>;
  /** Keeps the ledger on every node; without it, the ledger is a resource outside the cluster. */
  readonly replicator?: Plugin<TicketReplicator, 'replicator'>;
}

/** A way to elect a leader. */
export interface ElectionChoice {
  make(input: PartsInput): ElectionParts;
  /** For how long there may be no leader once one was lost and another can be had. Milliseconds. */
  longestMs(profile: Profile): number;
  /** Where a third is asked. */
  readonly asked?: AskedElector;
}

interface AskedElector {
  /**
   * Starts one for this run of the demo alone.
   * @throws Error when its server is not to be had
   */
  start(): Promise<StartedServer>;
  /** Where the discovery of the same name asks a server already: that one, as `--elector` takes it. */
  sharedWith(registry: string): string;
}

interface ElectionEntry {
  /** What `--elector` takes; undefined where there is nothing to ask. */
  readonly place: string | undefined;
  /** Whether each node has a copy of the ledger. */
  readonly isReplicated: boolean;
  /** Only what is chosen is loaded, since some clients of servers are big. */
  readonly load: () => Promise<ElectionChoice>;
}

/** By the names of `--election`. */
export const elections = {
  majority: {
    place: undefined,
    isReplicated: false,
    load: async () => (await import('./election-majority.ts')).majorityVote,
  },
  raft: {
    place: undefined,
    isReplicated: true,
    load: async () => (await import('./election-raft.ts')).raftGroup,
  },
  etcd: {
    place: 'http://host:port',
    isReplicated: false,
    load: async () => (await import('./election-etcd.ts')).etcdQueue,
  },
  consul: {
    place: 'http://host:port',
    isReplicated: false,
    load: async () => (await import('./election-consul.ts')).consulKey,
  },
  kubernetes: {
    place: 'kubeconfig',
    isReplicated: false,
    load: async () => (await import('./election-kubernetes.ts')).kubernetesLease,
  },
} as const satisfies Readonly<Record<string, ElectionEntry>>;

export type ElectionName = keyof typeof elections;

/** Whether each node has a copy of the ledger. */
export function isReplicated(election: ElectionName): boolean {
  return elections[election].isReplicated;
}
