import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { brokenLeases, leaseMutations } from '../src/leases/lease-mutations.ts';
import { runLeases } from '../src/leases/run-leases.ts';
import { shownBy } from '../src/shown-by.ts';

const MAX_LIVES = 60;

describe('a rule of those who hold leases that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(leaseMutations))('%s', () => undefined);
  it.each(mutantsToRun(leaseMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await brokenLeases(mutation);
      const isIt = (failure: string) => failure.includes(mutation.shows);
      const failure = await shownBy(mutation, MAX_LIVES, (seed) => runLeases(seed, parts), isIt);
      expect(failure, `no life of ${MAX_LIVES} shows it`).toBeDefined();
    },
    240_000,
  );
});
