import { describe, expect, it } from 'vitest';
import { CryptoRandom } from '../src/node/random.ts';

describe('chance of a real machine', () => {
  const random = new CryptoRandom();

  it('is uniform in [0, 1)', () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 20_000; draw += 1) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
      counts[Math.floor(value * 10)]! += 1;
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(400);
  });

  it('is still there when its code has been optimized', () => {
    let sum = 0;
    for (let made = 0; made < 60; made += 1) {
      const another = new CryptoRandom();
      for (let draw = 0; draw < 20_000; draw += 1) sum += another.next();
    }
    expect(Math.abs(sum / 1_200_000 - 0.5)).toBeLessThan(0.01);
  });

  it.each([1, 2, 3, 1000, 2 ** 32 + 1, 2 ** 47 + 1, 2 ** 48])('gives integers below %i', (bound) => {
    let largest = 0;
    for (let draw = 0; draw < 500; draw += 1) {
      const value = random.int(bound);
      expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
      largest = Math.max(largest, value);
    }
    if (bound > 1) expect(largest).toBeGreaterThan(0);
    if (bound >= 1000) expect(largest).toBeGreaterThan(bound * 0.9);
  });

  it.each([0, -1, 1.5, 2 ** 48 + 1, Number.NaN])('refuses the bound %s', (bound) => {
    expect(() => random.int(bound)).toThrowError(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('gives new bytes each time, of any length', () => {
    expect(random.bytes(0)).toHaveLength(0);
    expect(random.bytes(100_000)).toHaveLength(100_000);
    const seen = new Set(Array.from({ length: 1000 }, () => random.bytes(16).join()));
    expect(seen.size).toBe(1000);
  });
});
