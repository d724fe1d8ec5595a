import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from './simulated-cluster.ts';

const IDLE_MS = 5_000;

async function idle(seed: string): Promise<{ readonly cluster: SimulatedCluster; readonly leader: string }> {
  const cluster = new SimulatedCluster(seed);
  cluster.startAll();
  const leader = await cluster.elected();
  await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: '1' }));
  await cluster.world.run(IDLE_MS);
  expect(cluster.leader()).toBe(leader);
  return { cluster, leader };
}

function term(cluster: SimulatedCluster, name: string): bigint {
  return cluster.node(name).status().term;
}

describe('a group with nothing to do', () => {
  it('keeps its leader, and takes commands at once', async () => {
    const { cluster, leader } = await idle('at once');
    const before = term(cluster, leader);
    for (const name of cluster.names)
      await cluster.soon(cluster.node(name).replicate({ type: 'add', key: 'n', by: 1 }), 100);
    await cluster.world.run(IDLE_MS);
    expect(term(cluster, leader)).toBe(before);
    for (const name of cluster.names) {
      expect(await cluster.soon(cluster.node(name).read('n', { consistency: 'linearizable' }), 100)).toBe('3');
    }
  });

  it('elects another when the leader crashes', async () => {
    const { cluster, leader } = await idle('crash');
    cluster.crash(leader);
    await cluster.world.runUntil(() => cluster.leader() !== undefined, 1_000);
    expect(await cluster.soon(cluster.node(await cluster.elected()).read('x', { consistency: 'linearizable' }))).toBe(
      '1',
    );
  });

  it('elects another when the leader is cut off, or stands still, without its connections breaking', async () => {
    for (const fault of ['cut', 'pause'] as const) {
      const { cluster, leader } = await idle(fault);
      const host = cluster.host(leader);
      const others = cluster.names.filter((name) => name !== leader);
      if (fault === 'pause') host.pause();
      else
        cluster.world.partition(
          host,
          others.map((name) => cluster.host(name)),
        );
      await cluster.world.runUntil(() => others.some((name) => cluster.node(name).status().role === 'leader'), 2_000);
      if (fault === 'pause') host.resume();
      cluster.world.heal();
      await cluster.world.runUntil(() => cluster.node(leader).status().role === 'follower', 2_000);
    }
  });

  it('wakes a leader that can no longer reach a quorum, so that it steps down', async () => {
    const { cluster, leader } = await idle('alone');
    for (const name of cluster.names) if (name !== leader) cluster.crash(name);
    await cluster.world.runUntil(() => cluster.node(leader).status().role !== 'leader', 2_000);
  });
});
