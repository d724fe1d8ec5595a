import { createWorld, type Seed, seededRandom } from '@quorate/simulator';
import { FuzzLife, type LiarKind } from './fuzz-life.ts';
import type { FuzzedParts } from './fuzzed-nodes.ts';
import { withoutUnhandled } from './watched-rejections.ts';

export type { LiarKind } from './fuzz-life.ts';

export interface FuzzResult {
  readonly hash: string;
  readonly trace: string;
  readonly kind: LiarKind;
  readonly parts: FuzzedParts;
  readonly lies: number;
  readonly attempts: number;
  readonly answered: number;
  readonly commands: number;
  /** The most lines that a node has logged. */
  readonly lines: number;
  readonly recoveredAfterMs: number;
}

const KINDS: readonly LiarKind[] = ['stranger', 'noise', 'guest', 'voter'];
const LYING_MS = 3_000;
const PEACE_MS = 2_000;

/**
 * One seeded life of honest nodes beside a liar and strangers. Whatever these say, no process ends, honest nodes stay
 * connected and answer each other in time, and logs stay short; and but for liars who vote, the groups go on.
 * @throws Error with seed and trace when a promise was broken
 */
export function runFuzz(seed: Seed, kind: LiarKind = drawKind(seed)): Promise<FuzzResult> {
  return withoutUnhandled(() => live(seed, kind));
}

function drawKind(seed: Seed): LiarKind {
  return KINDS[seededRandom(seed, 'kind of liar').int(KINDS.length)] as LiarKind;
}

async function live(seed: Seed, kind: LiarKind): Promise<FuzzResult> {
  const world = createWorld({
    seed,
    link: { latencyMs: 0.2, jitterMs: 0.3 },
  });
  const life = new FuzzLife(world, kind);
  await life.meet();
  life.disturb();
  await world.run(LYING_MS);
  life.settle();
  await world.run(PEACE_MS);
  const peace = world.now;
  if (kind !== 'voter') await life.recover();
  life.audit();
  await life.stop();
  return {
    hash: world.trace.hash,
    trace: world.trace.text(),
    kind,
    parts: life.parts,
    ...life.counts,
    recoveredAfterMs: world.now - peace,
  };
}
