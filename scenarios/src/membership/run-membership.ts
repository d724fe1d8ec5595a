import { swimMembership } from '@quorate/membership-swim';
import { createWorld, type Seed, seededRandom, type World } from '@quorate/simulator';
import { drawCharacter, type MembershipCharacter } from './membership-character.ts';
import { MembershipLife } from './membership-life.ts';
import type { NodeSurroundings } from './membership-node.ts';

export interface MembershipResult {
  readonly hash: string;
  readonly trace: string;
  readonly character: MembershipCharacter;
  /** The longest time from the end of trouble until all agree. */
  readonly recoveredAfterMs: number;
  /** How often a node was told that another had failed, and how often that one lived. */
  readonly failures: number;
  readonly falseFailures: number;
}

const MAX_LATENCY_MS = 5;
const TROUBLE_MS = 25_000;
const RECOVERY_MS = 90_000;
/** From the moment at which all agree: what was said of others before is forgotten by then. */
const CALM_AFTER_MS = 2000;
const CALM_MS = 3000;
const ACTS = 4;

/**
 * One seeded life of whole nodes with this membership: amid faults of every kind they take each other for dead and come
 * back; in peace all must agree on who lives, those that leave must never be taken for dead, and nobody else may be either.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runMembership(
  seed: Seed,
  membership: NodeSurroundings['membership'] = swimMembership,
): Promise<MembershipResult> {
  const latencyMs = seededRandom(seed, 'latency').next() * MAX_LATENCY_MS;
  const world = createWorld({ seed, link: { latencyMs, jitterMs: latencyMs } });
  const character = drawCharacter(world);
  world.note(JSON.stringify(character));
  const life = new MembershipLife(world, character, membership);
  world.onStep(() => life.rules.check());
  life.begin();
  let recoveredAfterMs = 0;
  for (let round = 0; round < character.rounds; round += 1) {
    life.trouble();
    await world.run(TROUBLE_MS);
    life.peace();
    const from = world.now;
    await world
      .runUntil(() => life.agrees, RECOVERY_MS)
      .catch((error: unknown) => {
        throw new Error(`they don't agree:\n${life.describe()}`, { cause: error });
      });
    recoveredAfterMs = Math.max(recoveredAfterMs, world.now - from);
    await world.run(CALM_AFTER_MS);
    life.rules.isCalm = true;
    for (let act = 0; act < ACTS; act += 1) {
      await world.settled(life.act(), RECOVERY_MS);
      await agreement(world, life);
    }
    await world.run(CALM_MS);
  }
  await world.settled(life.stop(), RECOVERY_MS);
  const { failures, falseFailures } = life.rules;
  return { hash: world.trace.hash, trace: world.trace.text(), character, recoveredAfterMs, failures, falseFailures };
}

async function agreement(world: World, life: MembershipLife): Promise<void> {
  try {
    await world.runUntil(() => life.agrees, RECOVERY_MS);
  } catch (cause) {
    throw new Error(`they don't agree:\n${life.describe()}`, { cause });
  }
}
