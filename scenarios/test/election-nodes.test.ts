import { describe, expect, it } from 'vitest';
import { runElectionSeeds } from '../src/election-seeds.ts';
import { wholeNodeParts } from '../src/parts.ts';

const SEEDS_A_TEST = 40;

describe('whole nodes, over TCP and files of the simulated machine', () => {
  it.each([1, 61, 121])(
    'keep the promises of their elections from seed %i on',
    async (from) => {
      expect(await runElectionSeeds(from, SEEDS_A_TEST, wholeNodeParts)).toBeGreaterThan(3 * SEEDS_A_TEST);
    },
    60_000,
  );
});
