import { expect } from 'vitest';
import { type Cluster, type ClusterOptions, createCluster } from '../src/index.ts';
import {
  fakeDiscovery,
  FakeDiscovery,
  fakeElection,
  FakeElection,
  fakeStorage,
  fakeTransport,
  FakeTransport,
  type Journal,
} from './fake-parts.ts';
import { ManualClock, manualSystem } from './manual-clock.ts';

export interface Scene {
  readonly clock: ManualClock;
  readonly journal: Journal;
  readonly transport: FakeTransport;
  readonly election: FakeElection;
  readonly discovery: FakeDiscovery;
  readonly cluster: Cluster;
  readonly events: string[];
}

export function scene(options: Partial<ClusterOptions> = {}): Scene {
  const clock = new ManualClock();
  const journal: Journal = [];
  const transport = new FakeTransport(undefined, journal);
  const election = new FakeElection(journal);
  const discovery = new FakeDiscovery(journal);
  const cluster = createCluster({
    nodeId: 'a',
    system: manualSystem(clock),
    transport: fakeTransport(transport),
    storage: fakeStorage(new Map(), { journal }),
    election: fakeElection(election),
    discovery: fakeDiscovery(discovery),
    ...options,
  });
  const events: string[] = [];
  cluster.on('stateChanged', ({ status, previous }) => events.push(`${previous} > ${status} (${cluster.status})`));
  cluster.on('error', ({ during, error }) => events.push(`error ${during}: ${error.code}`));
  return { clock, journal, transport, election, discovery, cluster, events };
}

export const code = (expected: string) => expect.objectContaining({ code: expected });
export const never = () => new Promise<never>(() => undefined);
