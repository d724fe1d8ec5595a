import { describe, expect, it } from 'vitest';
import { runLeases } from '../src/leases/run-leases.ts';

const SEEDS = 15;
/** Fewer than that would say little: nodes that hold nothing keep every rule. */
const MIN_GRANTS = 1000;

describe('nodes that lead and lock by the leases of an engine', () => {
  it('keep every rule whatever fails, and are well again soon', async () => {
    let grants = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) grants += (await runLeases(seed)).grants;
    expect(grants).toBeGreaterThan(MIN_GRANTS);
  }, 240_000);

  it('live the same life for the same seed', async () => {
    const [first, second] = [await runLeases(4), await runLeases(4)];
    expect(second.hash).toBe(first.hash);
    expect((await runLeases(5)).hash).not.toBe(first.hash);
  }, 60_000);
});
