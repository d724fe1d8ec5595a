import { describe, expect, it } from 'vitest';

import { fixedMisses } from '../src/index.ts';

describe('fixed misses', () => {
  it('counts the intervals since the last heartbeat, and takes nobody for failed whom it never heard', () => {
    const detector = fixedMisses({ intervalMs: 100, missThreshold: 3 })();
    expect([detector.suspicion(1e9), detector.isAvailable(1e9)]).toEqual([0, true]);
    detector.heartbeat(1_000);
    expect([1_000, 1_050, 1_299].map((now) => detector.isAvailable(now))).toEqual([true, true, true]);
    expect([detector.suspicion(1_250), detector.isAvailable(1_300)]).toEqual([2.5, false]);
    detector.heartbeat(1_400);
    expect(detector.isAvailable(1_699)).toBe(true);
  });

  it('takes a time that goes back for the latest', () => {
    const detector = fixedMisses({ intervalMs: 100, missThreshold: 3 })();
    detector.heartbeat(1_000);
    detector.heartbeat(100);
    expect([detector.suspicion(0), detector.isAvailable(1_299)]).toEqual([0, true]);
  });

  it('makes a detector for each node', () => {
    const make = fixedMisses();
    const [one, other] = [make(), make()];
    one.heartbeat(0);
    other.heartbeat(9_000);
    expect([one.isAvailable(10_000), other.isAvailable(10_000)]).toEqual([false, true]);
  });

  it.each([{ intervalMs: 0 }, { missThreshold: 0.5 }, { missThreshold: 'three' }, { misses: 3 }])(
    'refuses %o',
    (options) => {
      expect(() => fixedMisses(options as object)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    },
  );
});
