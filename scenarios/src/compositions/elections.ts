import type { LeaderElection, Plugin } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import type { Choice, Place } from './place.ts';

export const elections: readonly Choice<Plugin<LeaderElection, 'election'>>[] = [
  { name: 'majority', make: (place) => majorityElection({ voters: votersOf(place) }) },
  { name: 'raft', make: (place) => raftElection({ voters: votersOf(place) }) },
];

function votersOf({ nodes }: Place): readonly string[] {
  return nodes.map(({ id }) => id);
}
