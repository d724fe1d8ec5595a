import { describe, expect, it } from 'vitest';

import { runSplit } from '../src/split-brain/run-split.ts';
import type { MembershipName, StrategyName } from '../src/split-brain/split-life.ts';

const SEED = Number(process.env['QUORATE_SPLIT_SEED'] ?? 1);
const SEEDS = Number(process.env['QUORATE_SPLIT_SEEDS'] ?? 2);

const strategies: readonly StrategyName[] = [
  'keepMajority',
  'listedMajority',
  'staticQuorum',
  'keepOldest',
  'leaseMajority',
  'downAll',
];
const memberships: readonly MembershipName[] = ['connection', 'heartbeat', 'swim'];
const combinations = strategies
  .flatMap((strategy) => memberships.map((membership) => ({ strategy, membership })))
  // Connections don't tell who is the oldest: such a resolver is refused.
  .filter(({ strategy, membership }) => strategy !== 'keepOldest' || membership !== 'connection');

describe('a cluster that falls apart', () => {
  it.each(combinations)('$strategy by $membership', async ({ strategy, membership }) => {
    let survived = 0;
    for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
      const result = await runSplit(`split ${seed}`, { strategy, membership, troubled: false });
      survived += result.survived;
    }
    // Or the promises were kept by going down.
    if (strategy !== 'downAll') expect(survived).toBeGreaterThan(0);
  });

  it.each(combinations)('$strategy by $membership, amid other faults', async ({ strategy, membership }) => {
    for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
      await runSplit(`troubled ${seed}`, { strategy, membership, troubled: true });
    }
  });
});
