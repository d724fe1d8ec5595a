import { leasedElection, leasedLocks, leaseTimings } from '@quorate/lease';
import { createWorld, type Seed } from '@quorate/simulator';
import { LeaseLife, type LeaseParts } from './lease-life.ts';

export interface LeaseResult {
  readonly grants: number;
  readonly hash: string;
  readonly trace: string;
  /** From the end of the faults to a leader that all know, in parts of the ttl. */
  readonly recoveredAfterTtls: number;
  readonly recoveredAfterMs: number;
}

const FAULTS_MS = 10_000;
/** How soon all is well again: what is left of the dead runs out by the slowest clock, and then somebody asks. */
const RECOVERY_TTLS = 3;
/** A hand-over takes as long as a few messages. */
const AT_ONCE_MS = 150;

/**
 * One seeded life of nodes that lead and lock by an engine, amid faults of theirs, of the engine, and of whoever operates
 * it; what grants promise is checked after every event. Then peace, in which one must come to lead; and from that on each way in
 * which a leadership can end takes no longer than it says.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runLeases(
  seed: Seed,
  parts: LeaseParts = { leasedElection, leasedLocks, leaseTimings },
): Promise<LeaseResult> {
  const world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 2 } });
  const life = new LeaseLife(world, parts);
  life.startAll();
  life.chaos.start();
  await world.run(FAULTS_MS);
  life.settle();
  const peace = world.now;
  const until = async (what: string, condition: () => boolean, withinMs: number): Promise<void> => {
    await world.runUntil(condition, withinMs).catch((error: unknown) => {
      if (!String(error).includes('did not hold within')) throw error;
      throw new Error(`waited in vain for ${what}, ${life.describe()}`, { cause: error });
    });
  };
  const isLed = (): boolean => life.leader() !== undefined;
  await until('a leader after the faults', isLed, RECOVERY_TTLS * life.ttlMs + 1000);
  const recoveredAfterMs = world.now - peace;
  // Connections that were cut off, and places in queues of those who are no more, are gone by then.
  await world.run(2 * life.ttlMs);
  await until('the same leader', isLed, AT_ONCE_MS);

  const resigning = life.leader();
  if (resigning !== undefined) {
    let hasResigned = false;
    void life
      .election(resigning)
      .resign()
      .then(() => (hasResigned = true));
    await until('the end of a resignation', () => hasResigned, AT_ONCE_MS);
    await until('a leader after one has resigned', isLed, AT_ONCE_MS);
  }
  const deposed = life.leader();
  if (deposed !== undefined) {
    const grant = life.election(deposed).leadership;
    life.deleteLease('leader');
    await until('the end of a leadership that was taken away', () => grant?.isValid() !== true, AT_ONCE_MS);
    await until('a leader after one was deposed', isLed, 1.3 * life.ttlMs + AT_ONCE_MS);
  }
  await world.run(100);
  const dying = life.leader();
  if (dying !== undefined) {
    dying.crash();
    await until(
      'a leader after one has died',
      () => life.successor(dying) !== undefined,
      1.3 * life.ttlMs + AT_ONCE_MS,
    );
    life.startAll();
    await until('a leader that all know', isLed, 1000);
  }
  await life.rest();
  await life.stop();
  await world.run(50);
  if (life.leftovers.length > 0) throw new Error(`claims are left behind: ${life.leftovers.join(', ')}`);
  return {
    grants: life.rules.granted,
    hash: world.trace.hash,
    trace: world.trace.text(),
    recoveredAfterTtls: recoveredAfterMs / life.ttlMs,
    recoveredAfterMs,
  };
}
