import { expect, it } from 'vitest';
import { runHttpFuzz } from '../src/fuzz/run-http-fuzz.ts';

const MORE = Number(process.env['QUORATE_FUZZ_SEEDS'] ?? 1);
const SEEDS = 3 * MORE;
/** Each kind is said once in five seconds. */
const MAX_LINES = 20;

it(
  'whatever strangers send to the HTTP of a node, those who forward to it are answered',
  async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { attempts, answered, lines, statuses } = await runHttpFuzz(seed);
      expect(answered).toBeGreaterThan(attempts / 10);
      expect(lines).toBeLessThan(MAX_LINES);
      expect(statuses.size).toBeGreaterThan(3);
    }
  },
  60_000 * MORE,
);
