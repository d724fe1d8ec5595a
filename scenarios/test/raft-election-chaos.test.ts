import { describe, expect, it } from 'vitest';
import type { ElectionParts } from '../src/election-run.ts';
import { runElectionSeed, runElectionSeeds } from '../src/election-seeds.ts';
import { importMutants } from '../src/mutants.ts';
import { memoryParts, type RaftFactories, raftParts, sharedRaftParts, wholeNodeParts } from '../src/parts.ts';
import { raftElectionMutations } from '../src/raft-election-mutations.ts';

const lives: readonly (readonly [what: string, count: number, parts: () => ElectionParts])[] = [
  ['message by message', 8, () => raftParts(memoryParts())],
  ['beside a replicator', 8, () => sharedRaftParts(memoryParts())],
  ['of whole nodes beside a replicator', 4, () => sharedRaftParts(wholeNodeParts())],
];

describe('elections on Raft under message faults, crashes, pauses, slow disks and drift', () => {
  it.each(lives)(
    'keep their promises, %s',
    async (_what, count, parts) => {
      // A suite in which leaders seldom change would prove little.
      expect(await runElectionSeeds(1, count, parts)).toBeGreaterThan(3 * count);
    },
    90_000,
  );

  it('replay from their seed, event by event', async () => {
    const parts = () => sharedRaftParts(memoryParts());
    const [first, second] = [await runElectionSeed(7, parts()), await runElectionSeed(7, parts())];
    expect(second.hash).toBe(first.hash);
    expect(second.trace).toBe(first.trace);
  });
});

const BROKEN_PROMISE = /two valid grants at once|has two leaders|went back|never stood|the tally is|was it lost/u;
const MAX_SEEDS = 60;
const PACKAGES = ['raft-host', 'election-raft', 'replicator-raft'];

/** The first seed from `from` on, at which the parts break a promise. */
async function firstFailure(
  parts: () => ElectionParts,
  from: number,
): Promise<{ readonly seed: number; readonly message: string }> {
  for (let seed = from; seed < from + MAX_SEEDS; seed += 1) {
    try {
      await runElectionSeed(seed, parts());
    } catch (error) {
      return { seed, message: error instanceof Error ? error.message : String(error) };
    }
  }
  return { seed: from, message: `nothing in ${MAX_SEEDS} seeds` };
}

describe('the chaos notices when', () => {
  it.each(raftElectionMutations)(
    '$name',
    async (mutation) => {
      const mutant = await importMutants<RaftFactories>(mutation.name, PACKAGES, [mutation]);
      const parts = () => sharedRaftParts(memoryParts(), mutant as RaftFactories);
      const { seed, message } = await firstFailure(parts, mutation.seed);
      expect(message).toMatch(BROKEN_PROMISE);
      if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}: ${message.slice(0, 80)}`);
    },
    90_000,
  );
});
