import { describe, expect, it } from 'vitest';

import { phiAccrual } from '../src/index.ts';
import { IntervalWindow } from '../src/interval-window.ts';
import { log10UpperTail } from '../src/normal-tail.ts';
import { sequence } from './random.ts';

describe('the upper tail of the normal distribution', () => {
  // Worked out with 80 digits.
  it.each([
    [-6, -4.284696e-10],
    [-1, -0.075026],
    [0, -0.30103],
    [1, -0.7995455],
    [2, -1.6430161],
    [3, -2.869699],
    [5, -6.5426457],
    [10, -23.1180534],
    [40, -349.4370065],
    [500, -54_289.9083],
  ])('at %d is 10^%d', (z, expected) => {
    expect(log10UpperTail(z)).toBeCloseTo(expected, Math.abs(expected) > 1_000 ? 3 : 6);
  });

  it('falls everywhere, across the place where its formula changes too, and never stops to be a number', () => {
    let previous = 0.1;
    for (let z = -8; z < 60; z += 0.01) {
      const tail = log10UpperTail(z);
      expect(tail).toBeLessThan(previous);
      previous = tail;
    }
    expect(Number.isFinite(log10UpperTail(1e100))).toBe(true);
    expect(log10UpperTail(-1e9)).toBe(-0);
  });
});

describe('the window of intervals', () => {
  it('has the mean and deviation of the latest, after any number of them and a leap', () => {
    const random = sequence(1);
    const window = new IntervalWindow(50, [1, 1]);
    const latest: number[] = [1, 1];
    for (let n = 0; n < 100_000; n += 1) {
      const interval = n % 1_000 < 3 ? 1e9 * random() : 100 + random();
      window.add(interval);
      latest.push(interval);
    }
    const last = latest.slice(-50);
    const mean = last.reduce((sum, value) => sum + value, 0) / 50;
    const variance = last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 50;
    expect(window.mean).toBeCloseTo(mean, 6);
    expect(window.deviation).toBeCloseTo(Math.sqrt(variance), 3);
  });
});

describe('phi accrual', () => {
  const regular = (until: number, options = {}) => {
    const detector = phiAccrual({ firstEstimateMs: 100, acceptablePauseMs: 0, ...options })();
    for (let at = 0; at <= until; at += 100) detector.heartbeat(at);
    return detector;
  };

  it('suspects nobody whom it has not heard', () => {
    const detector = phiAccrual()();
    expect([detector.suspicion(1e9), detector.isAvailable(1e9)]).toEqual([0, true]);
  });

  it('has phi 0.3 when a heartbeat is as late as half of them, and counts a power of ten as one', () => {
    // With the least deviation, 10: z is 0, 1.2816, 2.3263, as quantiles have it.
    const detector = regular(100_000, { windowSize: 100 });
    expect(detector.suspicion(100_100)).toBeCloseTo(Math.log10(2), 5);
    expect(detector.suspicion(100_112.816)).toBeCloseTo(1, 3);
    expect(detector.suspicion(100_123.263)).toBeCloseTo(2, 3);
  });

  it('grows with the silence and without end, as a number', () => {
    const detector = regular(10_000);
    let previous = -1;
    for (let silence = 60; silence < 1e15; silence *= 1.3) {
      const phi = detector.suspicion(10_000 + silence);
      expect(phi).toBeGreaterThanOrEqual(previous);
      previous = phi;
    }
    expect(Number.isFinite(previous)).toBe(true);
  });

  it('waits longer for whom it knows to be irregular', () => {
    const random = sequence(2);
    const irregular = phiAccrual({ firstEstimateMs: 100, acceptablePauseMs: 0 })();
    let at = 0;
    for (let n = 0; n < 500; n += 1) irregular.heartbeat((at += 200 * random()));
    const steady = regular(50_000);
    expect(steady.isAvailable(50_000 + 250)).toBe(false);
    expect(irregular.isAvailable(at + 250)).toBe(true);
  });

  it('learns a slower rhythm, and forgets the faster', () => {
    const detector = regular(10_000, { windowSize: 20, acceptablePauseMs: 100 });
    expect(detector.isAvailable(10_450)).toBe(false);
    let at = 10_000;
    for (let n = 1; n <= 60; n += 1) detector.heartbeat((at += 100 + Math.min(n * 5, 150)));
    expect(detector.isAvailable(at + 400)).toBe(true);
  });

  it('learns no more from an outage than that its patience was too short', () => {
    const [short, long] = [regular(10_000), regular(10_000)];
    short.heartbeat(10_300);
    long.heartbeat(900_000);
    expect(long.suspicion(900_150)).toBe(short.suspicion(10_450));
    expect(long.isAvailable(900_250)).toBe(false);
  });

  it('learns of pauses that come again, however often it blamed them before', () => {
    const detector = regular(10_000);
    let at = 10_000;
    const blamed: boolean[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      at += n % 5 === 0 ? 400 : 100;
      blamed.push(!detector.isAvailable(at));
      detector.heartbeat(at);
    }
    expect(blamed.slice(0, 50)).toContain(true);
    expect(blamed.slice(500)).not.toContain(true);
  });

  it.each([0.5, 1, 8, 40, 1_000])('is available until phi is %d', (threshold) => {
    const detector = regular(10_000, { threshold });
    let [early, late] = [10_000, 30_000];
    while (late - early > 1e-6) {
      const middle = (early + late) / 2;
      if (detector.isAvailable(middle)) early = middle;
      else late = middle;
    }
    expect(detector.suspicion(late)).toBeCloseTo(threshold, 3);
  });

  it('adds the acceptable pause to what it expects', () => {
    const detector = regular(10_000, { acceptablePauseMs: 1_000 });
    expect(detector.suspicion(11_150)).toBeCloseTo(regular(10_000).suspicion(10_150), 6);
  });

  it('takes a time that goes back for the latest', () => {
    const detector = regular(1_000);
    detector.heartbeat(500);
    expect(detector.suspicion(200)).toBe(detector.suspicion(1_000));
    expect(detector.isAvailable(1_050)).toBe(true);
  });

  it.each([
    { threshold: 0 },
    { windowSize: 1 },
    { windowSize: 2.5 },
    { minStdDeviationMs: 0 },
    { acceptablePauseMs: -1 },
    { firstEstimateMs: Number.NaN },
    { window: 3 },
  ])('refuses %o', (options) => {
    expect(() => phiAccrual(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
