import { describe, expect, it } from 'vitest';
import { brokenFormation, type FormationMutation, formationMutations } from '../src/formation/formation-mutations.ts';
import { runFormation } from '../src/formation/run-formation.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 100;

async function isNoticed(mutation: FormationMutation): Promise<boolean> {
  const parts = await brokenFormation(mutation);
  for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
    const broken = await runFormation(seed, parts, mutation.ground).then(
      () => false,
      () => true,
    );
    if (broken) return true;
  }
  return false;
}

describe('a rule of forming a cluster that is broken is noticed', () => {
  it.each(formationMutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      expect(await isNoticed(mutation)).toBe(true);
    },
    240_000,
  );
});
