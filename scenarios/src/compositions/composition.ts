import type { IClusterDiscovery, LeaderElection, Plugin } from '@quorate/core';
import type { TallyReplicator } from '../tally.ts';
import { discoveries } from './discoveries.ts';
import { elections } from './elections.ts';
import type { Choice, Place, ServerName } from './place.ts';
import { replicators } from './replicators.ts';
import type { NodeOptions } from './stage.ts';

/** One part of each kind. */
export interface Composition {
  /** Of letters, digits and dashes. */
  readonly name: string;
  readonly discovery: Choice<Plugin<IClusterDiscovery, 'discovery'>>;
  readonly election: Choice<Plugin<LeaderElection, 'election'>>;
  readonly replicator: Choice<Plugin<TallyReplicator, 'replicator'> | undefined>;
}

/** Every discovery with every election with every replicator. */
export const compositions: readonly Composition[] = discoveries.flatMap((discovery) =>
  elections.flatMap((election) =>
    replicators.map((replicator) => {
      const name = `${discovery.name}-${election.name}-${replicator.name}`;
      return { name, discovery, election, replicator };
    }),
  ),
);

/** Of those that need servers some, in which each part that needs one occurs. */
export function isSample({ discovery, election, replicator }: Composition): boolean {
  if (election.server !== undefined) return discovery.name === 'static' && replicator.name === 'raft';
  return discovery.server !== undefined && election.name === 'majority' && replicator.name === 'none';
}

/** What must run for it. None: it runs in the simulator. */
export function serversOf({ discovery, election, replicator }: Composition): readonly ServerName[] {
  const names = [discovery, election, replicator].map(({ server }) => server);
  return [...new Set(names.filter((name) => name !== undefined))];
}

export function optionsOf({ discovery, election, replicator }: Partial<Composition>, place: Place): NodeOptions {
  const log = replicator?.make(place);
  return {
    ...(discovery !== undefined && { discovery: discovery.make(place) }),
    ...(election !== undefined && { election: election.make(place) }),
    ...(log !== undefined && { replicator: log }),
  };
}

export async function prepare({ discovery, election, replicator }: Composition, place: Place): Promise<void> {
  for (const choice of [discovery, election, replicator]) await choice.prepare?.(place);
}
