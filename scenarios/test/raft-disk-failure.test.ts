import { type Cluster, createCluster, isClusterError } from '@quorate/core';
import { raftElection } from '@quorate/election-raft';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { expect, it } from 'vitest';
import { Tally, type TallyReplicator } from '../src/tally.ts';

/** One node that elects itself, and replicates to itself. */
async function leader(): Promise<{
  readonly world: World;
  readonly host: Host;
  readonly cluster: Cluster<TallyReplicator>;
}> {
  const world = createWorld({ seed: 1 });
  const host = world.host('a');
  const group = { voters: ['a'], maxClockDrift: 0.01 };
  let cluster: Cluster<TallyReplicator> | undefined;
  host.start(async (system) => {
    cluster = createCluster<TallyReplicator>({
      nodeId: 'a',
      bind: { host: host.address, port: 1 },
      transport: memoryTransport({ network: memoryNetwork({ route: world.route }) }),
      storage: fileStorage({ directory: '/data' }),
      election: raftElection(group),
      replicator: raftReplicator({ ...group, machine: () => new Tally() }),
      system,
    });
    await cluster.start();
  });
  await world.runUntil(() => cluster?.status === 'running' && cluster.isLeader, 10_000);
  return { world, host, cluster: cluster as Cluster<TallyReplicator> };
}

it('a leader whose disk has failed leads no more, says so, and can be stopped', async () => {
  const { world, host, cluster } = await leader();
  host.disk.fail({ sync: true });
  const { replicator } = cluster;
  const write = replicator.replicate(1).catch((error: unknown) => error);
  expect(isClusterError(await world.settled(write, 10_000), 'IO')).toBe(true);
  expect(replicator.status()).toMatchObject({ role: 'follower', leader: undefined });
  expect(cluster.isLeader).toBe(false);
  await world.settled(cluster.stop(), 10_000);
  expect(cluster.status).toBe('stopped');
});
