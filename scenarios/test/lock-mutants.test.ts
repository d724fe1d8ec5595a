import { describe, expect, it } from 'vitest';
import { brokenLocks, lockMutations } from '../src/locks/lock-mutations.ts';
import { runLocks } from '../src/locks/run-locks.ts';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 200;
const BROKEN_PROMISE = /held by too many|went back|wait for ever|did not hold within|did not settle within/u;

describe('a rule of locks that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(lockMutations))('%s', () => undefined);
  it.each(mutantsToRun(lockMutations))(
    '$name',
    async (mutation) => {
      const parts = await brokenLocks(mutation);
      let noticed = `nothing in ${MAX_LIVES} lives`;
      for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
        const failure = await runLocks(seed, parts).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : 'something that is no error'),
        );
        if (failure === undefined) continue;
        noticed = failure;
        if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}`);
        break;
      }
      expect(noticed).toMatch(BROKEN_PROMISE);
    },
    240_000,
  );
});
