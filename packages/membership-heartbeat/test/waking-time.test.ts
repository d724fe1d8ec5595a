import { fixedMisses } from '@quorate/failure-detector';
import { describe, expect, it } from 'vitest';

import { WakingTime } from '../src/waking-time.ts';
import { WatchedPeer } from '../src/watched-peer.ts';

describe('the time that a node was awake', () => {
  it('goes with the clock while it ticks, late by less than half an interval too', () => {
    const time = new WakingTime(100, 1_000);
    time.tick(1_100);
    time.tick(1_240);
    expect([time.read(1_240), time.read(1_300), time.isUnsure(1_300)]).toEqual([1_240, 1_300, false]);
  });

  it('stands still from the end of a gap on, unsure before the tick that finds it, and for an interval after it', () => {
    const time = new WakingTime(100, 1_000);
    time.tick(1_100);
    expect([time.read(9_000), time.isUnsure(9_000)]).toEqual([1_250, true]);
    time.tick(9_000);
    expect([time.read(9_000), time.read(9_090), time.isUnsure(9_090)]).toEqual([1_250, 1_250, true]);
    time.tick(9_100);
    expect([time.read(9_100), time.read(9_150), time.isUnsure(9_150)]).toEqual([1_250, 1_300, false]);
  });

  it('stands still across one gap after another', () => {
    const time = new WakingTime(100, 1_000);
    time.tick(2_000);
    time.tick(3_000);
    time.tick(3_100);
    expect([time.read(3_100), time.isUnsure(3_100)]).toEqual([1_150, false]);
  });

  it('tells how late ticks were, the older ones fading', () => {
    const time = new WakingTime(100, 0);
    time.tick(180);
    const delays = [time.loopDelayMs];
    for (let n = 1; n <= 7; n += 1) {
      time.tick(180 + 100 * n);
      delays.push(time.loopDelayMs);
    }
    expect(delays[0]).toBe(80);
    expect(delays.at(-1)).toBeCloseTo(38.3, 1);
  });
});

describe('a peer that is watched', () => {
  const peer = (maxLoopDelayMs = 0) => {
    const detector = fixedMisses({ intervalMs: 100, missThreshold: 3 })();
    return new WatchedPeer(1, detector, 1_000, { earliestMs: 25, maxLoopDelayMs });
  };

  it('heard while time stood still counts when it goes on', () => {
    const watched = peer();
    watched.heard(1_250, 0, true);
    expect(watched.isAvailable(1_350)).toBe(false);
    watched.settle(1_300);
    expect([watched.isAvailable(1_590), watched.isAvailable(1_600), watched.silence(1_600)]).toEqual([
      true,
      false,
      300,
    ]);
  });

  it('heard again at once tells nothing new', () => {
    const watched = peer();
    watched.heard(1_100, 0, false);
    watched.heard(1_120, 0, false);
    expect(watched.silence(1_200)).toBe(100);
  });

  it('is waited for longer by what it says it is late, up to the limit, and no longer when it says so no more', () => {
    const watched = peer(150);
    watched.heard(1_100, 4_000_000_000, false);
    expect([watched.isAvailable(1_549), watched.isAvailable(1_550)]).toEqual([true, false]);
    watched.heard(1_600, 0, false);
    expect(watched.isAvailable(1_900)).toBe(false);
  });
});
