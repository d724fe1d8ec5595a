import type { NodeId } from '@quorate/core';
import { electionProfiles } from '@quorate/election-majority';
import type { raftProfiles } from '@quorate/election-raft';
import type { DiscoveryInput } from './discoveries.ts';

/** The names that the profiles of all elections share. */
export type Profile = keyof typeof electionProfiles & keyof typeof raftProfiles;

export const profiles: readonly Profile[] = namesOf(electionProfiles);

/** What the parts are made from. */
export interface PartsInput extends DiscoveryInput {
  readonly voters: readonly NodeId[];
  readonly profile: Profile;
  /** What the election asks, where it asks a third. */
  readonly elector: string | undefined;
}

/** The names under which something can be chosen, for messages and for checking. */
export function namesOf<T extends object>(registry: T): readonly (keyof T & string)[] {
  return Object.keys(registry) as (keyof T & string)[];
}
