import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import {
  brokenMembership,
  type MembershipMutation,
  membershipMutations,
} from '../src/membership/membership-mutations.ts';
import { runMembership } from '../src/membership/run-membership.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 30;

async function noticedBy(mutation: MembershipMutation): Promise<number | undefined> {
  const membership = await brokenMembership(mutation);
  for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
    const isBroken = await runMembership(seed, membership).then(
      () => false,
      () => true,
    );
    if (isBroken) return seed;
  }
  return undefined;
}

describe('a rule of the membership that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(membershipMutations))('%s', () => undefined);
  it.each(mutantsToRun(membershipMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const seed = await noticedBy(mutation);
      expect(seed, `no life of ${MAX_LIVES} shows it`).toBeDefined();
      if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}`);
    },
    120_000,
  );
});
