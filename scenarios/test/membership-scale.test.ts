import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, MEMBERLIST_LAN_SETTINGS } from '@quorate/membership-swim/protocol';
import { calm, cut, death, join } from '../src/membership-scale/scale-scenarios.ts';

const SIZE = 200;
const SEEDS = [1, 2, 3];
/** Simulated time is all that is measured; a busy machine may take its own. */
const TIMEOUT_MS = 120_000;
const ours = { size: SIZE, settings: DEFAULT_SETTINGS };
const reference = { size: SIZE, settings: MEMBERLIST_LAN_SETTINGS };

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

describe(`${SIZE} machines in one world`, { timeout: TIMEOUT_MS }, () => {
  it('go the same way with the same seed', () => {
    const once = death({ ...ours, seed: 7 }, 'silent');
    expect(death({ ...ours, seed: 7 }, 'silent')).toEqual(once);
    expect(death({ ...ours, seed: 8 }, 'silent').hash).not.toBe(once.hash);
  });

  it('go the same way, whether and when their tables share what they have alike', () => {
    const troubled = { ...ours, seed: 2, network: { lossRate: 0.25 } };
    const [alone, ...sharing] = [Number.POSITIVE_INFINITY, 300, 2000].map((sharingMs) =>
      calm({ ...troubled, sharingMs }, 8, 0.05),
    );
    expect(alone?.refutations).toBeGreaterThan(5);
    for (const each of sharing) expect(each).toEqual(alone);
  });

  it.each(SEEDS)('all learn of a join within two seconds (seed %i)', (seed) => {
    expect(join({ ...ours, seed }).allMs).toBeLessThan(2000);
  });

  it('all learn of a death, with lossy links too, and sooner than with the parameters of memberlist', () => {
    const measured = SEEDS.map((seed) => {
      const lossy = death({ ...ours, seed, network: { lossRate: 0.1 } }, 'silent');
      expect(lossy.allMs, `seed ${seed}`).toBeLessThan(30_000);
      return { ours: death({ ...ours, seed }, 'silent'), reference: death({ ...reference, seed }, 'silent') };
    });
    for (const each of measured) expect(each.reference.allMs).toBeLessThan(60_000);
    const medians = (whose: 'ours' | 'reference') => median(measured.map((each) => each[whose].medianMs));
    expect(medians('ours')).toBeLessThan(medians('reference') / 3);
  });

  it.each(SEEDS)('hear at once of a process that was killed (seed %i)', (seed) => {
    expect(death({ ...ours, seed }, 'killed').allMs).toBeLessThan(death({ ...ours, seed }, 'silent').allMs);
  });

  it.each(SEEDS)(
    'see a cut in halves not much later than a death, and accuse nobody on their own side (seed %i)',
    (seed) => {
      const hundred = { ...ours, size: 100, seed };
      const alone = death(hundred, 'silent').allMs;
      const parted = cut(hundred);
      expect(parted.allMs).toBeLessThan(3.5 * alone);
      expect(parted.falsePositives).toBe(0);
      // The connections break as well: each node has a reason to probe half of all at once.
      expect(cut(hundred, 5000)).toMatchObject({ falsePositives: 0 });
    },
  );

  it('take nobody for dead who is slow or badly connected', () => {
    // Longer than the longest suspicion: who missed what refutes it would be alone with it until then.
    const stalling = calm({ ...ours, seed: 1 }, 15, 0.05);
    expect(stalling).toMatchObject({ incidents: 0, beliefs: 0 });
    expect(stalling.suspicions).toBeGreaterThan(0);
    const lossy = calm({ ...ours, seed: 1, network: { lossRate: 0.25 } }, 15);
    expect(lossy).toMatchObject({ incidents: 0, beliefs: 0 });
  });

  it('say nothing to others of whom they alone have missed: it costs less than the parameters of memberlist', () => {
    const badly = { seed: 2, network: { lossRate: 0.25 } };
    const [lossy, referred] = [calm({ ...ours, ...badly }, 5), calm({ ...reference, ...badly }, 5)];
    expect(referred.suspicions).toBeGreaterThan(20);
    expect(lossy.suspicions).toBeLessThan(referred.suspicions / 20);
    expect(lossy.traffic.datagramBytes).toBeLessThan(referred.traffic.datagramBytes / 2);
  });
});
