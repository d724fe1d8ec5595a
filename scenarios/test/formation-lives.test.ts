import { describe, expect, it } from 'vitest';
import type { Ground } from '../src/formation/formation-character.ts';
import { runFormation } from '../src/formation/run-formation.ts';

const SEEDS_A_TEST = 12;

describe('nodes that are started for the first time', () => {
  it.each<Ground>(['more than half', 'honest source', 'claim'])(
    'form one cluster, and only one, whatever fails: %s',
    async (ground) => {
      let inTrouble = 0;
      for (let seed = 1; seed <= SEEDS_A_TEST; seed += 1) {
        const life = await runFormation(seed, undefined, ground);
        if (life.isFormedInTrouble) inTrouble += 1;
      }
      // Those lives are of little use in which nothing happens before all is well.
      expect(inTrouble).toBeGreaterThan(SEEDS_A_TEST / 5);
    },
    300_000,
  );

  it('live the same life for the same seed', async () => {
    const [first, second] = [await runFormation(4), await runFormation(4)];
    expect(second.hash).toBe(first.hash);
    expect((await runFormation(5)).hash).not.toBe(first.hash);
  });
});
