import { describe, expect, it } from 'vitest';
import { runElectionSeed, runElectionSeeds } from '../src/election-seeds.ts';
import { memoryParts, volatileParts } from '../src/parts.ts';

const SEEDS_A_TEST = 20;

describe('majority elections under message faults, crashes, pauses and drift', () => {
  it.each([1, 201, 401, 601, 801])(
    'keep their promises from seed %i on',
    async (from) => {
      const grants = await runElectionSeeds(from, SEEDS_A_TEST, memoryParts);
      // A suite in which leaders seldom change would prove little.
      expect(grants).toBeGreaterThan(3 * SEEDS_A_TEST);
    },
    60_000,
  );

  it('let no two grants overlap when votes are kept in memory only', async () => {
    expect(await runElectionSeeds(1, SEEDS_A_TEST, volatileParts)).toBeGreaterThan(3 * SEEDS_A_TEST);
  }, 60_000);

  it('replay from their seed, event by event', async () => {
    const [first, second] = [await runElectionSeed(7, memoryParts()), await runElectionSeed(7, memoryParts())];
    expect(second.hash).toBe(first.hash);
    expect(second.trace).toBe(first.trace);
    expect((await runElectionSeed(8, memoryParts())).hash).not.toBe(first.hash);
  });
});
