import { checkOptions, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { leaseRules, leaseTimings } from '../src/index.ts';

const read = (given: object): unknown => leaseTimings('etcdElection', checkOptions('etcdElection', leaseRules, given));

describe('the timings of a lease', () => {
  it('are parts of the ttl where nothing else is said', () => {
    expect(read({})).toEqual({ ttlMs: 15_000, validForMs: 12_000, renewEveryMs: 2500, callTimeoutMs: 2500 });
  });

  it('fit a grant that is to be short', () => {
    expect(read({ validForMs: 3000 })).toEqual({
      ttlMs: 15_000,
      validForMs: 3000,
      renewEveryMs: 750,
      callTimeoutMs: 750,
    });
  });

  it.each([
    [{ ttlMs: 1 }, 'ttlMs'],
    [{ validForMs: 15_000 }, 'validForMs'],
    [{ validForMs: 14_800 }, 'validForMs'],
    [{ ttlMs: 5000, validForMs: 6000 }, 'validForMs'],
    [{ renewEveryMs: 13_000 }, 'renewEveryMs'],
    [{ callTimeoutMs: 6000 }, 'callTimeoutMs'],
    [{ validForMs: '3000' }, 'validForMs'],
  ])('refuses %j', (given, named) => {
    let thrown: unknown;
    try {
      read(given);
    } catch (error) {
      thrown = error;
    }
    expect(isClusterError(thrown, 'INVALID_OPTIONS')).toBe(true);
    expect(String(thrown)).toContain(named);
  });
});
