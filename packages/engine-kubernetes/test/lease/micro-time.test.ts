import { describe, expect, it } from 'vitest';

import { microTime, nextMicroTime } from '../../src/lease/micro-time.ts';

const NOON = Date.UTC(2026, 10, 21, 12);

describe('the time of a sign of life', () => {
  it('is written as client-go writes it', () => {
    expect(microTime(NOON + 45)).toBe('2026-11-21T12:00:00.045000Z');
    expect(microTime(NOON, 7)).toBe('2026-11-21T12:00:00.000007Z');
  });

  it('is one that the API takes, whatever the wall clock says', () => {
    for (const wallMs of [Number.NaN, -1, -Infinity]) expect(microTime(wallMs)).toBe('1970-01-01T00:00:00.000000Z');
    expect(microTime(1e18)).toBe('9999-12-31T23:59:59.000000Z');
  });

  it('is that of the wall clock while it goes on, and where it was set', () => {
    expect(nextMicroTime('2026-11-21T12:00:00.500000Z', NOON + 3_000, 2_500)).toBe(microTime(NOON + 3_000));
    expect(nextMicroTime('2026-11-21T12:00:00.500000Z', NOON - 3_600_000, 2_500)).toBe(microTime(NOON - 3_600_000));
    expect(nextMicroTime('2026-11-21T12:00:00.500000Z', NOON + 700, 200)).toBe(microTime(NOON + 700));
    for (const odd of [undefined, '', 'yesterday', '2026-13-45T99:99:99Z']) {
      expect(nextMicroTime(odd, NOON, 0)).toBe(microTime(NOON));
    }
  });

  it('differs from the last, by a second once one has passed, though the wall clock stands still', () => {
    const times = [microTime(NOON + 999)];
    for (let round = 0; round < 1_200; round += 1) times.push(nextMicroTime(times.at(-1), NOON + 999, 0));
    expect(new Set(times).size).toBe(times.length);
    expect(times[2]).toBe('2026-11-21T12:00:00.999002Z');
    let last = microTime(NOON);
    for (let round = 1; round < 50; round += 1) {
      const next = nextMicroTime(last, NOON, 1_000);
      expect(next).toBe(microTime(NOON + round * 1_000));
      last = next;
    }
  });
});
