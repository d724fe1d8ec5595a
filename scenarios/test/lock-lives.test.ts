import { describe, expect, it } from 'vitest';
import { runLocks } from '../src/locks/run-locks.ts';

const SEEDS = 5;

describe('nodes with locks in a replicated log', () => {
  it('keep each other out, whatever fails, and none waits for ever', async () => {
    let grants = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) grants += (await runLocks(seed)).grants;
    // Those lives are of little use in which nobody has a lock.
    expect(grants).toBeGreaterThan(20 * SEEDS);
  }, 300_000);

  it('live the same life for the same seed', async () => {
    const [first, second] = [await runLocks(4), await runLocks(4)];
    expect(second.hash).toBe(first.hash);
    expect((await runLocks(5)).hash).not.toBe(first.hash);
  });
});
