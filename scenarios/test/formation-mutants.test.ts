import { describe, expect, it } from 'vitest';
import { brokenFormation, formationMutations } from '../src/formation/formation-mutations.ts';
import { runFormation } from '../src/formation/run-formation.ts';
import { shownBy } from '../src/shown-by.ts';

const MAX_LIVES = 100;

describe('a rule of forming a cluster that is broken is noticed', () => {
  it.each(formationMutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await brokenFormation(mutation);
      const failure = await shownBy(mutation, MAX_LIVES, (seed) => runFormation(seed, parts, mutation.ground));
      expect(failure, `no life of ${MAX_LIVES} shows it`).toBeDefined();
    },
    240_000,
  );
});
