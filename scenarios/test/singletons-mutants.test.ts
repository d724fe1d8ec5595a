import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { shownBy } from '../src/shown-by.ts';
import { runSingletons } from '../src/singletons/run-singletons.ts';
import { brokenSingletons, singletonMutations } from '../src/singletons/singleton-mutations.ts';

const MAX_LIVES = 60;

describe('a rule of singleton tasks that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(singletonMutations))('%s', () => undefined);
  it.each(mutantsToRun(singletonMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await brokenSingletons(mutation);
      const failure = await shownBy(mutation, MAX_LIVES, (seed) => runSingletons(seed, parts));
      expect(failure, `no life of ${MAX_LIVES} shows it`).toBeDefined();
    },
    120_000,
  );
});
