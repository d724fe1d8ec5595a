import { describe, expect, it } from 'vitest';
import { mutantsToRun, mutantsToSkip } from '../src/mutants-to-run.ts';
import { replicationMutations } from '../src/replication/replication-mutations.ts';
import { editedParts } from '../src/replication/replication-parts.ts';
import { runReplication } from '../src/replication/run-replication.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 30;

describe('a rule of replication that is broken is noticed', () => {
  it.skip.each(mutantsToSkip(replicationMutations))('%s', () => undefined);
  it.each(mutantsToRun(replicationMutations).map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await editedParts(mutation.name.replaceAll(/\W+/gu, '-'), [mutation]);
      const { hasRot: rots = false, trial = 'none' } = mutation;
      const { seed: from } = mutation;
      const breaks = async (): Promise<number | undefined> => {
        for (let seed = from; seed < from + MAX_LIVES; seed += 1) {
          const isSound = await runReplication(seed, parts, { rots, trial }).then(
            () => true,
            () => false,
          );
          if (!isSound) return seed;
        }
        return undefined;
      };
      const seed = await breaks();
      expect(seed, `no life of ${MAX_LIVES} shows it`).toBeDefined();
      if (seed !== from) console.log(`${mutation.name}: now shown by seed ${seed}`);
    },
    120_000,
  );
});
