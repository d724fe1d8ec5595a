import { describe, expect, it } from 'vitest';
import { type LiarKind, runFuzz } from '../src/fuzz/run-fuzz.ts';

/** How many of each kind; without end: `npm run soak -- --parts fuzz`. */
const SEEDS = Number(process.env['QUORATE_FUZZ_SEEDS'] ?? 1);

describe('nodes beside those that lie', () => {
  it.each<LiarKind>(['stranger', 'noise', 'guest', 'voter'])(
    'go on, stay connected and answer each other in time: %s',
    async (kind) => {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const life = await runFuzz(seed, kind);
        expect(life.attempts).toBeGreaterThan(50);
        expect(life.answered).toBeGreaterThan(500);
        if (kind !== 'stranger') expect(life.lies).toBeGreaterThan(0);
        // The same seed lives the same life.
        if (kind === 'noise') expect((await runFuzz(seed, kind)).hash).toBe(life.hash);
      }
    },
    120_000 * SEEDS,
  );
});
