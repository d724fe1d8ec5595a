import { describe, expect, it } from 'vitest';
import { brokenLocks, lockMutations } from '../src/locks/lock-mutations.ts';
import { runLocks } from '../src/locks/run-locks.ts';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { shownBy } from '../src/shown-by.ts';

const MAX_LIVES = 200;
const BROKEN_PROMISE = /held by too many|went back|wait for ever|did not hold within|did not settle within/u;

describe('a rule of locks that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(lockMutations))('%s', () => undefined);
  it.each(mutantsToRun(lockMutations))(
    '$name',
    async (mutation) => {
      const parts = await brokenLocks(mutation);
      expect(await shownBy(mutation, MAX_LIVES, (seed) => runLocks(seed, parts))).toMatch(BROKEN_PROMISE);
    },
    240_000,
  );
});
