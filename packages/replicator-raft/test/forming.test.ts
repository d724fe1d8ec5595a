import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from './simulated-cluster.ts';

const FOUNDERS = ['a', 'b', 'c', 'd', 'e'];
const SEEDS = Array.from({ length: 10 }, (_, at) => at + 1);

describe('founders that start together', () => {
  it.each(SEEDS)('all take part, however their invitations and disks cross (seed %i)', async (seed) => {
    const cluster = new SimulatedCluster(`forming ${seed}`, FOUNDERS, {}, { real: true });
    cluster.startAll();
    await cluster.elected();
    for (const name of FOUNDERS) await cluster.soon(cluster.node(name).replicate({ type: 'add', key: 'n', by: 1 }));
    for (const name of FOUNDERS) {
      expect(await cluster.soon(cluster.node(name).read('n', { consistency: 'linearizable' }))).toBe('5');
    }
  });
});

describe('a read at local', () => {
  it('waits for the group: a machine in its first state is not what this node has', async () => {
    const cluster = new SimulatedCluster('local', ['a', 'b']);
    cluster.start('a');
    await cluster.world.run(100);
    const late = cluster.node('a').read('n', { consistency: 'local', timeoutMs: 200 });
    await expect(cluster.soon(late)).rejects.toMatchObject({ code: 'QUORUM_LOST' });
    const read = cluster.node('a').read('n', { consistency: 'local' });
    cluster.start('b');
    expect(await cluster.soon(read)).toBeUndefined();
    expect(cluster.node('a').status().term).toBeGreaterThan(0);
  });

  it('waits after a restart until what was stored is there', async () => {
    const cluster = new SimulatedCluster('restarted', ['a'], { everyEntries: 2, keepEntries: 1 });
    cluster.start('a');
    await cluster.elected();
    for (let n = 0; n < 10; n += 1) await cluster.soon(cluster.node('a').replicate({ type: 'add', key: 'n', by: 1 }));
    await cluster.world.run(100);
    cluster.crash('a');
    cluster.start('a');
    await cluster.world.runUntil(() => cluster.live.includes('a'), 1000);
    expect(Number(await cluster.soon(cluster.node('a').read('n', { consistency: 'local' })))).toBeGreaterThan(0);
  });

  it('ends with its signal', async () => {
    const cluster = new SimulatedCluster('aborted', ['a', 'b']);
    cluster.start('a');
    await cluster.world.run(100);
    const ending = new AbortController();
    const read = cluster.node('a').read('n', { consistency: 'local', signal: ending.signal });
    ending.abort();
    await expect(cluster.soon(read)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
