import { describe, expect, it } from 'vitest';
import { replicationMutations } from '../src/replication/replication-mutations.ts';
import { editedParts } from '../src/replication/replication-parts.ts';
import { runReplication } from '../src/replication/run-replication.ts';

/** Lives that are tried from the seed on: a change elsewhere may shift which of them shows it. */
const MAX_LIVES = 30;

describe('a rule of replication that is broken is noticed', () => {
  it.each(replicationMutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_, mutation) => {
      const parts = await editedParts(mutation.name.replaceAll(/\W+/gu, '-'), [mutation]);
      const breaks = async (): Promise<boolean> => {
        for (let seed = mutation.seed; seed < mutation.seed + MAX_LIVES; seed += 1) {
          const isSound = await runReplication(seed, parts, { rots: mutation.hasRot === true }).then(
            () => true,
            () => false,
          );
          if (!isSound) return true;
        }
        return false;
      };
      expect(await breaks()).toBe(true);
    },
    120_000,
  );
});
