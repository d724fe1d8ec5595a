import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { runSplit } from '../src/split-brain/run-split.ts';
import { type MembershipName, SplitLife, type StrategyName } from '../src/split-brain/split-life.ts';

const SEED = Number(process.env['QUORATE_SPLIT_SEED'] ?? 1);
const SEEDS = Number(process.env['QUORATE_SPLIT_SEEDS'] ?? 1);
const TIMEOUT_MS = 30_000 + SEEDS * 5_000;

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
  it.each(combinations)(
    '$strategy by $membership',
    async ({ strategy, membership }) => {
      let survived = 0;
      for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
        const result = await runSplit(`split ${seed}`, { strategy, membership, troubled: false });
        survived += result.survived;
      }
      // Or the promises were kept by going down.
      if (strategy !== 'downAll') expect(survived).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it.each(combinations)(
    '$strategy by $membership, amid other faults',
    async ({ strategy, membership }) => {
      for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
        await runSplit(`troubled ${seed}`, { strategy, membership, troubled: true });
      }
    },
    TIMEOUT_MS,
  );
});

describe('a partition that is over when some have decided', () => {
  it.each(combinations)(
    '$strategy by $membership',
    async ({ strategy, membership }) => {
      for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
        await runSplit(`brief ${seed}`, { strategy, membership, troubled: false, brief: true });
      }
    },
    TIMEOUT_MS,
  );
});

describe('three in a row, of which the ends have lost each other', () => {
  /** Whom each of them has removed. */
  async function removals(membership: MembershipName): Promise<readonly (readonly string[])[]> {
    const world = createWorld({ seed: 'row', link: { latencyMs: 0.3, jitterMs: 2 } });
    const life = new SplitLife(world, ['a', 'b', 'c'], 'keepMajority', membership);
    for (const host of life.hosts) life.start(host);
    await world.runUntil(() => life.isWhole(), 60_000);
    const [a, , c] = life.hosts;
    world.partition(a!, c!);
    await world.run(120_000);
    expect(life.surviving()).toEqual(['a', 'b', 'c']);
    const removed = [...life.runs.values()].map((run) => run.removed());
    world.heal();
    await world.run(60_000);
    // Neither can know which of them was wrong.
    expect(life.surviving()).toEqual(removed.every(({ length }) => length === 0) ? ['a', 'b', 'c'] : ['b']);
    return removed;
  }

  it.each(['connection', 'heartbeat'] as const)(
    'remove each other where each sees for itself: %s',
    async (membership) => {
      expect(await removals(membership)).toEqual([['c'], [], ['a']]);
    },
  );

  it('stay together where others are asked', async () => {
    expect(await removals('swim')).toEqual([[], [], []]);
  });
});
