import { describe, expect, it } from 'vitest';
import { runMembership } from '../src/membership/run-membership.ts';

/** `QUORATE_MEMBERSHIP_SEEDS=200`: more than tests make do with. */
const SEEDS = Number(process.env['QUORATE_MEMBERSHIP_SEEDS'] ?? 4);

describe('nodes that gossip about each other', () => {
  it('agree in peace on who lives, and never take one that has left for dead', async () => {
    let failures = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) failures += (await runMembership(seed)).failures;
    // Those lives are of little use in which nobody is missed.
    expect(failures).toBeGreaterThan(5 * SEEDS);
  }, 600_000);

  it('live the same life for the same seed', async () => {
    const [first, second] = [await runMembership(2), await runMembership(2)];
    expect(second.hash).toBe(first.hash);
    expect((await runMembership(3)).hash).not.toBe(first.hash);
  });
});
