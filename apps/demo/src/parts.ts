import type { IClusterDiscovery, LeaderElection, NodeId, Plugin } from '@quorate/core';
import { staticDiscovery } from '@quorate/discovery-static';
import { type ElectionProfile, majorityElection } from '@quorate/election-majority';

/** What the parts are made from. */
export interface PartsInput {
  /** Where the other nodes might be: `id@host:port` or `host:port`. */
  readonly peers: readonly string[];
  readonly voters: readonly NodeId[];
  readonly profile: ElectionProfile;
}

/** The ways for nodes to find each other, by the names of `--discovery`. */
export const discoveries = {
  static: ({ peers }: PartsInput): Plugin<IClusterDiscovery, 'discovery'> => staticDiscovery({ nodes: peers }),
} as const;

/** The ways to elect a leader, by the names of `--election`. */
export const elections = {
  majority: ({ voters, profile }: PartsInput): Plugin<LeaderElection, 'election'> =>
    majorityElection({ voters, profile }),
} as const;

export type DiscoveryName = keyof typeof discoveries;
export type ElectionName = keyof typeof elections;

/** The names under which something can be chosen, for messages and for checking. */
export function namesOf<T extends object>(registry: T): readonly (keyof T & string)[] {
  return Object.keys(registry) as (keyof T & string)[];
}
