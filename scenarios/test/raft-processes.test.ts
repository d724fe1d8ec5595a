import { expect, it } from 'vitest';
import { runProcesses } from '../src/processes/process-run.ts';

const SECONDS = Number(process.env['QUORATE_PROCESS_SECONDS'] ?? 15);
const SEED = Number(process.env['QUORATE_PROCESS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Both recoveries may take a minute; the checks take a while after a long run. */
const TIMEOUT_MS = 180_000 + 3 * SECONDS * 1000;

it(
  `five processes, killed, paused and cut off at random, lose nothing (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  async () => {
    console.log(`QUORATE_PROCESS_SEED=${SEED} QUORATE_PROCESS_SECONDS=${SECONDS}`);
    const { wrong, done, recoveredAfterMs, told } = await runProcesses({ seed: SEED, seconds: SECONDS });
    console.log(`${done} calls answered; all processes wrote ${recoveredAfterMs.toFixed(0)} ms after the last fault`);
    expect(wrong, told.join('\n')).toEqual([]);
    expect(done).toBeGreaterThan(10 * SECONDS);
  },
);
