import { type Cluster, createCluster, isClusterError } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';
import { majorityElection } from '../src/index.ts';

const VOTERS = ['a', 'b', 'c'];

/** Starts three nodes; tells of each grant that ended, and by which code. */
function startTrio(world: World): { clusters: Map<string, Cluster>; ends: string[] } {
  const network = memoryNetwork({ route: world.route });
  const clusters = new Map<string, Cluster>();
  const ends: string[] = [];
  const hosts = VOTERS.map((id) => world.host(id));
  for (const host of hosts) {
    const nodeId = host.name;
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId,
        bind: { host: host.address, port: 7000 },
        seedNodes: hosts.filter((other) => other !== host).map(({ address }) => ({ host: address, port: 7000 })),
        system,
        logLevel: 'silent',
        transport: memoryTransport({ network }),
        election: majorityElection({ voters: VOTERS, volatileVotes: true }),
      });
      cluster.on('leadershipLost', ({ reason }) => ends.push(isClusterError(reason) ? reason.code : String(reason)));
      clusters.set(nodeId, cluster);
      await cluster.start();
    });
  }
  return { clusters, ends };
}

function leaderOf(clusters: Map<string, Cluster>): Cluster | undefined {
  return [...clusters.values()].find(({ isLeader }) => isLeader);
}

it('tells a grant that ran out from one that was given up', async () => {
  const world = createWorld({ seed: 7 });
  const { clusters, ends } = startTrio(world);
  await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
  const first = leaderOf(clusters);
  // Until heartbeats have been answered, it knows of no candidate to hand over to.
  await world.run(500);
  void first?.election.transfer(VOTERS.find((id) => id !== first.self.id) ?? '');
  await world.runUntil(() => ends.length === 1, 1_000);
  expect(ends).toEqual(['NOT_LEADER']);

  await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
  const second = leaderOf(clusters)?.self.id;
  world.partition(
    world.hosts.filter(({ name }) => name === second),
    world.hosts.filter(({ name }) => name !== second),
  );
  await world.runUntil(() => ends.length === 2, 1_000);
  expect(ends).toEqual(['NOT_LEADER', 'QUORUM_LOST']);
});
