import { raftLocks } from '@quorate/lock-raft';
import { createWorld, type Seed } from '@quorate/simulator';
import { LockLife, type LockParts } from './lock-life.ts';

export interface LockRunResult {
  readonly grants: number;
  readonly hash: string;
  readonly trace: string;
  /** From the end of the faults until all who waited without a limit had what they waited for. */
  readonly recoveredAfterMs: number;
}

const FAULTS_MS = 12_000;
const RECOVERY_MS = 25_000;
const NAMES = ['x', 'y'];

/**
 * One seeded life of nodes with locks: faults of every kind, with what locks promise looked at after every event; then
 * peace, in which all who wait are served, and each node can have each lock.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runLocks(seed: Seed, parts: LockParts = { raftLocks }): Promise<LockRunResult> {
  const world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 2 } });
  const life = new LockLife(world, parts);
  life.startAll();
  life.disturb();
  await world.run(FAULTS_MS);
  life.settle();
  const peace = world.now;
  await world.runUntil(() => life.isRunning(), RECOVERY_MS);
  life.rest();
  await world
    .runUntil(() => life.waiting.length === 0, RECOVERY_MS)
    .catch((cause: unknown) => {
      throw new Error(`seed ${String(seed)}: they wait for ever: ${life.waiting.join(', ')}\n${world.trace.text()}`, {
        cause,
      });
    });
  const recoveredAfterMs = world.now - peace;
  for (const locks of life.locks) {
    for (const name of NAMES) {
      const taken = (async () => (await locks.lock(name, { ttlMs: 1 })).release())();
      await world.settled(taken, RECOVERY_MS);
    }
  }
  await life.stop();
  return { grants: life.rules.grants, hash: world.trace.hash, trace: world.trace.text(), recoveredAfterMs };
}
