import { type ElectionParts, type ElectionRunResult, runElection } from './election-run.ts';
import { MAX_DRIFT } from './parts.ts';

const FAULTS_MS = 20_000;
const RECOVERY_MS = 60_000;

export function runElectionSeed(seed: number, parts: ElectionParts): Promise<ElectionRunResult> {
  return runElection({ seed, parts, faultsMs: FAULTS_MS, recoveryMs: RECOVERY_MS, maxDrift: MAX_DRIFT });
}

/**
 * Runs seeds one after the other.
 * @returns how many grants there were in all
 * @throws Error of the first seed that broke a promise
 */
export async function runElectionSeeds(from: number, count: number, parts: () => ElectionParts): Promise<number> {
  let grants = 0;
  for (let seed = from; seed < from + count; seed += 1) grants += (await runElectionSeed(seed, parts())).grants;
  return grants;
}
