import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { brokenMembership, membershipMutations } from '../src/membership/membership-mutations.ts';
import { runMembership } from '../src/membership/run-membership.ts';
import { shownBy } from '../src/shown-by.ts';

const MAX_LIVES = 30;

describe('a rule of the membership that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(membershipMutations))('%s', () => undefined);
  it.each(mutantsToRun(membershipMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const membership = await brokenMembership(mutation);
      const failure = await shownBy(mutation, MAX_LIVES, (seed) => runMembership(seed, membership));
      expect(failure, `no life of ${MAX_LIVES} shows it`).toBeDefined();
    },
    120_000,
  );
});
