import { expect, it } from 'vitest';
import { runStorageFuzz } from '../src/fuzz/run-storage-fuzz.ts';

/** Times this many; without end: `npm run soak -- --parts storage`. */
const MORE = Number(process.env['QUORATE_FUZZ_SEEDS'] ?? 1);
const SEEDS = 15 * MORE;

it(
  'whatever is read from a damaged storage was written last, or the damage is told',
  async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { log } = await runStorageFuzz(seed);
      outcomes.set(log, (outcomes.get(log) ?? 0) + 1);
    }
    expect(outcomes.get('CORRUPT')).toBeGreaterThan(SEEDS / 3);
    expect(outcomes.get('whole')).toBeGreaterThan(0);
  },
  60_000 * MORE,
);
