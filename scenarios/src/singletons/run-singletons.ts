import { createWorld, type Seed } from '@quorate/simulator';
import { SingletonLife, type SingletonParts, singletonParts, STEP_MS } from './singleton-life.ts';

export interface SingletonResult {
  readonly hash: string;
  readonly trace: string;
  /** How many slots were begun. */
  readonly slots: number;
  /** From the end of the faults until the task was at the present again, all slots before made up for. */
  readonly recoveredAfterMs: number;
}

const FAULTS_MS = 15_000;
/** What was missed is made up for one after the other, each within a second. */
const RECOVERY_MS = 60_000;
const PEACE_MS = 3000;

/**
 * One seeded life of nodes with a task that runs once in the cluster, at every slot of a schedule, amid faults of every kind,
 * wall clocks that are set among them. What is promised is checked as it happens; then peace, in which all that was
 * missed is made up for.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runSingletons(seed: Seed, parts: SingletonParts = singletonParts): Promise<SingletonResult> {
  const world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 2 } });
  const life = new SingletonLife(world, parts);
  life.startAll();
  await world.run(1000);
  life.harm();
  await world.run(FAULTS_MS);
  life.settle();
  const peace = world.now;
  await world.run(PEACE_MS);
  while (!(await isPresent())) {
    if (world.now - peace > RECOVERY_MS) throw new Error(`singleton: never at the present again, seed ${String(seed)}`);
    await world.run(100);
  }
  if (life.onInterrupted === 'rerun') life.rules.audit(STEP_MS);
  else life.rules.auditOnce();
  return {
    hash: world.trace.hash,
    trace: world.trace.text(),
    slots: life.rules.begun,
    recoveredAfterMs: world.now - peace,
  };

  /** The last slot that there is was done. */
  async function isPresent(): Promise<boolean> {
    const record = await world.settled(life.kept(), RECOVERY_MS);
    const wallTime = world.hosts.find(({ running }) => running)?.system.clock.wallTime() ?? 0;
    return record !== undefined && record.outcome !== undefined && wallTime - record.last < STEP_MS;
  }
}
