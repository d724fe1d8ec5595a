import { expect, it } from 'vitest';
import { runRolling } from '../src/rolling/rolling-run.ts';

const ROUNDS = Number(process.env['QUORATE_ROLLING_ROUNDS'] ?? 1);
const MEMBERSHIP = process.env['QUORATE_ROLLING_MEMBERSHIP'] === 'connection' ? 'connection' : 'swim';
const SEED = Number(process.env['QUORATE_ROLLING_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Nobody stands for election earlier. */
const ELECTION_MS = 2500;
/** Restarts of a round; in each, a write may be on its way over a connection that is being closed. */
const NODES = 5;
const TIMEOUT_MS = 120_000 + ROUNDS * 120_000;

it(
  `five processes are restarted in turn, and no request fails that is repeated once (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  async () => {
    console.log(`QUORATE_ROLLING_SEED=${SEED} QUORATE_ROLLING_ROUNDS=${ROUNDS}`);
    const { failures, unanswered, wrong, done, gapsMs, told } = await runRolling({
      seed: SEED,
      rounds: ROUNDS,
      membership: MEMBERSHIP,
      secret: `rolling restart ${SEED}`,
    });
    console.log(told.filter((line) => !line.includes(' | ')).join('\n'));
    expect([...failures, ...wrong], told.join('\n')).toEqual([]);
    expect(unanswered.length, told.join('\n')).toBeLessThanOrEqual(NODES * ROUNDS);
    expect(gapsMs.length).toBeGreaterThanOrEqual(ROUNDS);
    expect(Math.max(...gapsMs)).toBeLessThan(ELECTION_MS);
    expect(done).toBeGreaterThan(100 * ROUNDS);
  },
);
