import { describe, expect, it } from 'vitest';
import { type LiedTo, runEngineFuzz, runPouredAnswers } from '../src/fuzz/run-engine-fuzz.ts';

const MORE = Number(process.env['QUORATE_FUZZ_SEEDS'] ?? 1);
const SEEDS = 8 * MORE;

describe.each<LiedTo>(['consul', 'kubernetes'])('an engine whose server lies: %s', (liedTo) => {
  it(
    'settles each call in time, with what it was told or with an error that says so',
    async () => {
      const counts = new Map<string, number>();
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const told = await runEngineFuzz(seed, liedTo);
        for (const [code, count] of told) counts.set(code, (counts.get(code) ?? 0) + count);
      }
      expect(counts.get('PROTOCOL')).toBeGreaterThan(SEEDS);
      expect(counts.get('taken')).toBeGreaterThan(0);
    },
    60_000 * MORE,
  );

  it('takes no more than it may of an answer without end', async () => {
    expect([...(await runPouredAnswers(liedTo)).keys()]).toEqual(['PROTOCOL']);
  }, 60_000);
});
