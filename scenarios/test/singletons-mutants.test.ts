import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { runSingletons } from '../src/singletons/run-singletons.ts';
import { brokenSingletons, type SingletonMutation, singletonMutations } from '../src/singletons/singleton-mutations.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 60;

async function noticedBy(mutation: SingletonMutation): Promise<number | undefined> {
  const parts = await brokenSingletons(mutation);
  for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
    const broken = await runSingletons(seed, parts).then(
      () => false,
      () => true,
    );
    if (broken) return seed;
  }
  return undefined;
}

describe('a rule of singleton tasks that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(singletonMutations))('%s', () => undefined);
  it.each(mutantsToRun(singletonMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const seed = await noticedBy(mutation);
      expect(seed, `no life of ${MAX_LIVES} shows it`).toBeDefined();
      if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}`);
    },
    120_000,
  );
});
