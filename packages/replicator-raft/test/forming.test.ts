import type { ReplicatorContext } from '@quorate/core';
import { readGroupOptions, sharedGroup } from '@quorate/raft-host';
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

describe('a founder that takes a group up late', () => {
  it.each(['a', 'b', 'c'])('is not waited for until others ask again (%s)', async (late) => {
    const contexts = new Map<string, ReplicatorContext>();
    const onContext = (name: string, context: ReplicatorContext) => void contexts.set(name, context);
    const cluster = new SimulatedCluster(`late ${late}`, ['a', 'b', 'c'], {}, { onContext });
    cluster.startAll();
    await cluster.elected();
    const settings = readGroupOptions('test', { voters: cluster.names });
    const phases = new Map<string, () => string>();
    const take = async (name: string) => {
      const shared = sharedGroup(contexts.get(name) as ReplicatorContext, 2);
      shared.join({ owner: 'test', settings });
      const group = await cluster.soon(shared.start());
      phases.set(name, () => group.status.phase);
    };
    for (const name of cluster.names) if (name !== late) await take(name);
    // Long enough for the pauses between two rounds of asking to have become as long as they get.
    await cluster.world.run(10_000);
    expect([...phases.values()].map((phase) => phase())).toEqual(['forming', 'forming']);
    await take(late);
    await cluster.world.run(100);
    expect([...phases.values()].map((phase) => phase())).toEqual(['running', 'running', 'running']);
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
