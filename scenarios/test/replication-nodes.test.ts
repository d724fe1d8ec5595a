import { describe, expect, it } from 'vitest';
import { strainedParts } from '../src/replication/replication-parts.ts';
import { runReplication } from '../src/replication/run-replication.ts';

const SEEDS_A_TEST = 3;
const SEEDS_A_TRIAL = 2;

describe('a state machine, replicated on whole nodes', () => {
  it.each([1, 21, 41])(
    'is one machine to its clients, whatever fails, from seed %i on',
    async (from) => {
      let commands = 0;
      for (let seed = from; seed < from + SEEDS_A_TEST; seed += 1) {
        const life = await runReplication(seed);
        commands += life.commands;
        expect(life.isDecided, `seed ${seed}`).toBe(true);
      }
      expect(commands).toBeGreaterThan(200 * SEEDS_A_TEST);
    },
    120_000,
  );

  it('is so, too, when the disks of fewer than half of the nodes rot', async () => {
    let setAside = 0;
    for (let seed = 1; seed <= SEEDS_A_TEST; seed += 1) {
      const life = await runReplication(seed, undefined, { rots: true });
      setAside += life.counts.get('logs set aside') ?? 0;
      expect(life.isDecided, `seed ${seed}`).toBe(true);
    }
    expect(setAside).toBeGreaterThan(2 * SEEDS_A_TEST);
  }, 120_000);

  it.each(['reads', 'durability'] as const)(
    'keeps its promises when everything that happens is an attack on one of them: %s',
    async (trial) => {
      let commands = 0;
      for (let seed = 1; seed <= SEEDS_A_TRIAL; seed += 1) {
        const life = await runReplication(seed, undefined, { rots: false, trial });
        commands += life.commands;
        expect(life.isDecided, `seed ${seed}`).toBe(true);
      }
      expect(commands).toBeGreaterThan(100 * SEEDS_A_TRIAL);
    },
    120_000,
  );

  it('keeps them with limits so low that all of them are met', async () => {
    const parts = await strainedParts();
    let refused = 0;
    for (let seed = 1; seed <= SEEDS_A_TRIAL; seed += 1) {
      const life = await runReplication(seed, parts, { rots: false, trial: 'none' });
      refused += life.counts.get('write OVERLOADED not-applied') ?? 0;
      expect(life.isDecided, `seed ${seed}`).toBe(true);
    }
    expect(refused).toBeGreaterThan(SEEDS_A_TRIAL);
  }, 120_000);

  it('lives the same life for the same seed', async () => {
    const [first, second] = [await runReplication(4), await runReplication(4)];
    expect(second.hash).toBe(first.hash);
    expect((await runReplication(5)).hash).not.toBe(first.hash);
  }, 120_000);
});
