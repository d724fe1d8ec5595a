import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from './simulated-cluster.ts';

describe('a replicated state machine', () => {
  it('applies commands on every node, and gives their results', async () => {
    const cluster = new SimulatedCluster('first');
    cluster.startAll();
    const leader = await cluster.elected();
    expect(await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: '1' }))).toBe('1');
    expect(await cluster.soon(cluster.node(leader).replicate({ type: 'add', key: 'x', by: 2 }))).toBe('3');
    for (const name of cluster.names) {
      expect(await cluster.soon(cluster.node(name).read('x', { consistency: 'linearizable' }))).toBe('3');
    }
  });

  it('takes commands on any node', async () => {
    const cluster = new SimulatedCluster('any');
    cluster.startAll();
    await cluster.elected();
    for (const name of cluster.names)
      await cluster.soon(cluster.node(name).replicate({ type: 'add', key: 'n', by: 1 }));
    for (const name of cluster.names) {
      expect(await cluster.soon(cluster.node(name).read('n', { consistency: 'linearizable' }))).toBe('3');
    }
  });

  it('goes on when the leader crashes, and the leader catches up when it is back', async () => {
    const cluster = new SimulatedCluster('crash');
    cluster.startAll();
    const first = await cluster.elected();
    await cluster.soon(cluster.node(first).replicate({ type: 'put', key: 'x', value: 'before' }));
    cluster.crash(first);
    const second = await cluster.elected();
    await cluster.soon(cluster.node(second).replicate({ type: 'put', key: 'x', value: 'after' }));
    cluster.start(first);
    await cluster.world.runUntil(() => cluster.machines.get(first)?.values.get('x') === 'after', 10_000);
    expect(await cluster.soon(cluster.node(first).read('x', { consistency: 'linearizable' }))).toBe('after');
  });

  it('keeps what was acknowledged when all crash', async () => {
    const cluster = new SimulatedCluster('all');
    cluster.startAll();
    const leader = await cluster.elected();
    for (let n = 0; n < 20; n += 1)
      await cluster.soon(cluster.node(leader).replicate({ type: 'add', key: 'n', by: 1 }));
    for (const name of cluster.names) cluster.crash(name);
    cluster.startAll();
    const next = await cluster.elected();
    expect(await cluster.soon(cluster.node(next).read('n', { consistency: 'linearizable' }))).toBe('20');
  });
});
