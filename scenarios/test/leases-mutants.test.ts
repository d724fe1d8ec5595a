import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { brokenLeases, type LeaseMutation, leaseMutations } from '../src/leases/lease-mutations.ts';
import { runLeases } from '../src/leases/run-leases.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 60;

async function isNoticed(mutation: LeaseMutation): Promise<boolean> {
  const parts = await brokenLeases(mutation);
  for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
    const broken = await runLeases(seed, parts).then(
      () => false,
      (error: unknown) => String(error).includes(mutation.shows),
    );
    if (broken && seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}`);
    if (broken) return true;
  }
  return false;
}

describe('a rule of those who hold leases that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(leaseMutations))('%s', () => undefined);
  it.each(mutantsToRun(leaseMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      expect(await isNoticed(mutation)).toBe(true);
    },
    240_000,
  );
});
