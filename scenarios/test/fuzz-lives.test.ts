import { describe, expect, it } from 'vitest';
import type { FuzzedParts } from '../src/fuzz/fuzzed-nodes.ts';
import { type LiarKind, runFuzz } from '../src/fuzz/run-fuzz.ts';

type Drawn = Pick<FuzzedParts, 'election' | 'membership' | 'forms'> & { readonly isSecret: boolean };
interface Slice extends Drawn {
  readonly kind: LiarKind;
  /** Which draws just this; without another for each, all kinds would lie to nodes of the same composition. */
  readonly seed: number;
}

/** How many of each kind; without end: `npm run soak -- --parts fuzz`. */
const SEEDS = Number(process.env['QUORATE_FUZZ_SEEDS'] ?? 1);
const SLICES: readonly Slice[] = [
  { kind: 'stranger', seed: 4, election: 'raft', membership: 'gossip', forms: true, isSecret: false },
  { kind: 'noise', seed: 52, election: 'majority', membership: 'gossip', forms: false, isSecret: true },
  { kind: 'guest', seed: 24, election: 'majority', membership: 'connections', forms: true, isSecret: true },
  { kind: 'voter', seed: 14, election: 'raft', membership: 'heartbeats', forms: false, isSecret: false },
];

describe('nodes beside those that lie', () => {
  it.each(SLICES)(
    'go on, stay connected and answer each other in time: $kind',
    async ({ kind, seed: first, ...drawn }) => {
      for (let seed = first; seed < first + SEEDS; seed += 1) {
        const life = await runFuzz(seed, kind);
        if (seed === first) expect(drawnBy(life.parts)).toEqual(drawn);
        expect(life.attempts).toBeGreaterThan(50);
        expect(life.answered).toBeGreaterThan(500);
        if (kind !== 'stranger') expect(life.lies).toBeGreaterThan(0);
        // The same seed lives the same life.
        if (kind === 'noise') expect((await runFuzz(seed, kind)).hash).toBe(life.hash);
      }
    },
    120_000 * SEEDS,
  );

  it('are of each election and membership, formed and not, with a secret and without, gossip both ways', () => {
    const has = (wanted: Partial<Slice>) =>
      SLICES.some((slice) => Object.entries(wanted).every(([key, value]) => slice[key as keyof Slice] === value));
    const wanted: readonly Partial<Slice>[] = [
      ...(['raft', 'majority'] as const).map((election) => ({ election })),
      ...(['connections', 'heartbeats', 'gossip'] as const).map((membership) => ({ membership })),
      ...[true, false].flatMap((is) => [
        { forms: is },
        { isSecret: is },
        { membership: 'gossip', isSecret: is } as const,
      ]),
      // Who is let in meets nodes of both kinds; what strangers say is read where nothing is authenticated.
      { kind: 'stranger', isSecret: false },
      { kind: 'guest', isSecret: true },
      { kind: 'voter', isSecret: false },
    ];
    expect(wanted.filter((each) => !has(each))).toEqual([]);
  });
});

function drawnBy({ election, membership, forms, secret }: FuzzedParts): Drawn {
  return { election, membership, forms, isSecret: secret !== undefined };
}
