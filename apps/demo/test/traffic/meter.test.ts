import { expect, it } from 'vitest';
import { Meter } from '../../src/traffic/meter.ts';

it('counts what happened in the last second, and how long it took', () => {
  let now = 0;
  const meter = new Meter(() => now);
  expect(meter.read()).toEqual({ count: 0, p50Ms: undefined, p99Ms: undefined });
  meter.record(5, 900);
  now = 1_000;
  for (let ms = 1; ms <= 100; ms += 1) meter.record(2, ms);
  expect(meter.read()).toEqual({ count: 200, p50Ms: 51, p99Ms: 100 });
  now = 2_000;
  expect(meter.read().count).toBe(0);
});
