import { describe, expect, it } from 'vitest';
import { runSingletons } from '../src/singletons/run-singletons.ts';

const SEEDS_A_TEST = 6;

describe('a task that runs once in a cluster', () => {
  it.each([1, 21, 41])(
    'does every slot, each claimed once, whatever fails, from seed %i on',
    async (from) => {
      let slots = 0;
      for (let seed = from; seed < from + SEEDS_A_TEST; seed += 1) slots += (await runSingletons(seed)).slots;
      expect(slots).toBeGreaterThan(25 * SEEDS_A_TEST);
    },
    120_000,
  );

  it('lives the same life for the same seed', async () => {
    const [first, second] = [await runSingletons(4), await runSingletons(4)];
    expect(second.hash).toBe(first.hash);
    expect((await runSingletons(5)).hash).not.toBe(first.hash);
  }, 120_000);
});
