import type { LeaderElection, Plugin } from '@quorate/core';
import type { PartsInput, Profile } from './parts.ts';
import type { StartedServer } from './started-server.ts';

/** A way to elect a leader. */
export interface ElectionChoice {
  make(input: PartsInput): Plugin<LeaderElection, 'election'>;
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
  /** Only what is chosen is loaded, since some clients of servers are big. */
  readonly load: () => Promise<ElectionChoice>;
}

/** By the names of `--election`. */
export const elections = {
  majority: {
    place: undefined,
    load: async () => (await import('./election-majority.ts')).majorityVote,
  },
  raft: {
    place: undefined,
    load: async () => (await import('./election-raft.ts')).raftGroup,
  },
  etcd: {
    place: 'http://host:port',
    load: async () => (await import('./election-etcd.ts')).etcdQueue,
  },
  consul: {
    place: 'http://host:port',
    load: async () => (await import('./election-consul.ts')).consulKey,
  },
  kubernetes: {
    place: 'kubeconfig',
    load: async () => (await import('./election-kubernetes.ts')).kubernetesLease,
  },
} as const satisfies Readonly<Record<string, ElectionEntry>>;

export type ElectionName = keyof typeof elections;
