import type { Plugin } from '@quorate/core';
import { raftReplicator } from '@quorate/replicator-raft';
import { Tally, type TallyReplicator } from '../tally.ts';
import type { Choice, Place } from './place.ts';

export const replicators: readonly Choice<Plugin<TallyReplicator, 'replicator'> | undefined>[] = [
  { name: 'none', make: () => undefined },
  { name: 'raft', make: ofLog },
];

function ofLog({ nodes }: Place): Plugin<TallyReplicator, 'replicator'> {
  return raftReplicator({ voters: nodes.map(({ id }) => id), machine: () => new Tally() });
}
