import { isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import type { KubernetesObject } from '../../src/index.ts';
import { nextTransitions, readLease, readVersion, signOf, withLease } from '../../src/lease/lease-record.ts';

/** As a Go program leaves it there. */
const HELD = {
  holderIdentity: 'go',
  leaseDurationSeconds: 15,
  acquireTime: '2026-11-21T12:00:00.000000Z',
  renewTime: '2026-11-21T12:00:02.500000Z',
  leaseTransitions: 4,
};

function lease(spec: unknown, metadata: object = {}): KubernetesObject {
  return { metadata: { name: 'l', uid: 'u', resourceVersion: '10', ...metadata }, spec };
}

describe('the record of a Lease', () => {
  it('says who holds it, for how long, and since when', () => {
    expect(readLease(lease(HELD))).toMatchObject({
      version: 10n,
      uid: 'u',
      holder: 'go',
      durationMs: 15_000,
      released: false,
      transitions: 4,
      token: undefined,
    });
  });

  it('was given back when it is empty and lasts a second, as client-go leaves it, and not when an operator empties it', () => {
    const released = (spec: object) => readLease(lease({ ...HELD, holderIdentity: '', ...spec })).released;
    expect(released({ leaseDurationSeconds: 1 })).toBe(true);
    expect(released({})).toBe(false);
    expect(released({ leaseDurationSeconds: 2 })).toBe(false);
    expect(readLease(lease(undefined))).toMatchObject({ holder: undefined, released: false, durationMs: undefined });
  });

  it('is read as empty where it holds what it should not', () => {
    const odd = { holderIdentity: 7, leaseDurationSeconds: -1, renewTime: {}, leaseTransitions: 'many' };
    for (const spec of [odd, null, 'text', [1], { leaseDurationSeconds: 1e12 }]) {
      const expected = { holder: undefined, durationMs: undefined, renewTime: undefined, transitions: 0 };
      expect(readLease(lease(spec))).toMatchObject(expected);
    }
    expect(readLease(lease({ ...HELD, holderIdentity: 'x'.repeat(100_000) })).holder).toHaveLength(1024);
    expect(nextTransitions(readLease(lease({ ...HELD, leaseTransitions: 2 ** 31 - 1 })))).toBe(2 ** 31 - 1);
  });

  it('believes a token only of the holder whose it is', () => {
    const tokenOf = (note: unknown) => readLease(lease(HELD, { annotations: { 'quorate/fencing-token': note } })).token;
    expect(tokenOf('7 go')).toBe(7n);
    for (const note of ['7 other', '7', 'x go', ' go', '-1 go', 7, `${'9'.repeat(60)} go`, null]) {
      expect(tokenOf(note), String(note)).toBeUndefined();
    }
  });

  it('keeps what others have written', () => {
    const object = {
      ...lease(
        { ...HELD, strategy: 'x' },
        { annotations: { theirs: '1', 'quorate/fencing-token': '7 go' }, labels: {} },
      ),
      kind: 'Lease',
    };
    const fields = { holderIdentity: 'a_1-0', leaseDurationSeconds: 3, renewTime: '2026-11-21T12:01:00.000000Z' };
    const changed = withLease(object, fields, undefined);
    expect(changed).toEqual({
      kind: 'Lease',
      metadata: { name: 'l', uid: 'u', resourceVersion: '10', annotations: { theirs: '1' }, labels: {} },
      spec: { ...HELD, strategy: 'x', ...fields },
    });
    expect(signOf(changed)).toBe(readLease(changed).sign);
    expect(readLease(withLease(object, fields, 12n)).token).toBe(12n);
  });

  it('has a version that is a number, or none that can be a token', () => {
    expect(readVersion('18446744073709551616')).toBe(18_446_744_073_709_551_616n);
    for (const version of ['', 'abc', '1.5', '-1', '9'.repeat(50), undefined, 7]) {
      let error: unknown = undefined;
      try {
        readVersion(version);
      } catch (caught) {
        error = caught;
      }
      expect(isClusterError(error, 'PROTOCOL'), String(version)).toBe(true);
      expect(String(error)).toContain('no number');
    }
  });
});
