import { clusterFormation } from '@quorate/formation';
import { createWorld, type Seed, seededRandom, type World } from '@quorate/simulator';
import { drawCharacter, type FormationCharacter, type Ground } from './formation-character.ts';
import { FormationLife, type FormationParts } from './formation-life.ts';

export interface FormationResult {
  readonly hash: string;
  readonly trace: string;
  readonly character: FormationCharacter;
  /** Whether there was a cluster before the faults ended. */
  readonly isFormedInTrouble: boolean;
  /** From the end of the faults to one cluster with a leader that all nodes know. */
  readonly recoveredAfterMs: number;
}

const MAX_LATENCY_MS = 10;
const FAULTS_MS = 5_000;
const STEP_MS = 250;
/** From the first node that knows a cluster: another one would have come to be. */
const KNOWN_MS = 2_000;
const RECOVERY_MS = 60_000;
/** For which nodes that lost their disks look around by themselves. */
const ALONE_MS = 5_000;

/**
 * One seeded life of nodes that are started for the first time, amid faults of every kind, with a source that tells what it
 * may: that never two of them know of different clusters is checked whenever one comes to know of any. Then peace, in which
 * one cluster must come to be, of all; and another day, on which nobody forms any.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runFormation(
  seed: Seed,
  parts: FormationParts = { clusterFormation },
  ground?: Ground,
): Promise<FormationResult> {
  const latencyMs = seededRandom(seed, 'latency').next() * MAX_LATENCY_MS;
  const world = createWorld({ seed, link: { latencyMs, jitterMs: latencyMs } });
  const character = drawCharacter(world, ground);
  world.note(JSON.stringify(character));
  const life = new FormationLife(world, character, parts);
  life.begin();
  await trouble(world, life);
  const isFormedInTrouble = life.charter !== undefined;
  life.settle();
  const peace = world.now;
  await world.runUntil(() => life.agrees(), RECOVERY_MS);
  const recoveredAfterMs = world.now - peace;
  await anotherDay(world, life);
  await life.stop();
  return { hash: world.trace.hash, trace: world.trace.text(), character, isFormedInTrouble, recoveredAfterMs };
}

/** Until it is likely that all who form a cluster have done so. */
async function trouble(world: World, life: FormationLife): Promise<void> {
  let knownMs = 0;
  while (world.now < FAULTS_MS && knownMs < KNOWN_MS) {
    await world.run(STEP_MS);
    if (life.charter !== undefined) knownMs += STEP_MS;
  }
}

/** Nodes that have forgotten everything are there first, and hear nothing of those that know. */
async function anotherDay(world: World, life: FormationLife): Promise<void> {
  const forgetful = life.nextDay();
  if (world.chance(0.5)) life.source.confine(forgetful);
  for (const host of forgetful) life.start(host);
  await world.run(forgetful.length > 0 ? ALONE_MS : 0);
  life.source.settle();
  life.startAll();
  await world.runUntil(() => life.agrees(), RECOVERY_MS);
}
