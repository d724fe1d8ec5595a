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
