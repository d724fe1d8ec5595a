import { describe, expect, it } from 'vitest';
import { SimulatedCluster } from './simulated-cluster.ts';

async function ledBy(cluster: SimulatedCluster, name: string): Promise<void> {
  await cluster.world.runUntil(() => cluster.leader() === name, 20_000);
  await cluster.world.run(5000);
  expect(cluster.leader()).toBe(name);
}

describe('priorities', () => {
  it.each([1, 2, 3, 4, 5])(
    'make the highest that is there leader, in a group that rests too (seed %i)',
    async (seed) => {
      const cluster = new SimulatedCluster(`priorities ${seed}`, ['a', 'b', 'c'], {}, { priorities: { c: 2, b: 1 } });
      cluster.startAll();
      await ledBy(cluster, 'c');
      await cluster.soon(cluster.node('a').replicate({ type: 'add', key: 'n', by: 1 }));
      cluster.crash('c');
      await ledBy(cluster, 'b');
      await cluster.soon(cluster.node('a').replicate({ type: 'add', key: 'n', by: 1 }));
      cluster.start('c');
      await ledBy(cluster, 'c');
      expect(await cluster.soon(cluster.node('c').read('n', { consistency: 'linearizable' }))).toBe('2');
    },
  );
});
