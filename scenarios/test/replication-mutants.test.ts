import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { replicationMutations } from '../src/replication/replication-mutations.ts';
import { editedParts } from '../src/replication/replication-parts.ts';
import { runReplication } from '../src/replication/run-replication.ts';
import { shownBy } from '../src/shown-by.ts';

const MAX_LIVES = 30;

describe('a rule of replication that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(replicationMutations))('%s', () => undefined);
  it.each(mutantsToRun(replicationMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await editedParts(mutation.name.replaceAll(/\W+/gu, '-'), [mutation]);
      const { hasRot: rots = false, trial = 'none' } = mutation;
      const failure = await shownBy(mutation, MAX_LIVES, (seed) => runReplication(seed, parts, { rots, trial }));
      expect(failure, `no life of ${MAX_LIVES} shows it`).toBeDefined();
    },
    120_000,
  );
});
