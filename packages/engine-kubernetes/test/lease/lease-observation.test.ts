import { describe, expect, it } from 'vitest';

import type { KubernetesObject } from '../../src/index.ts';
import { LeaseObservation } from '../../src/lease/lease-observation.ts';

const TTL_MS = 10_000;

function observation(waitsWhenAbsent = false): LeaseObservation {
  return new LeaseObservation({ ttlMs: TTL_MS, waitsWhenAbsent });
}

interface Written {
  readonly holder?: string;
  readonly seconds?: number;
  readonly renewed?: string;
  readonly transitions?: number;
  readonly uid?: string;
}

function lease(
  version: number,
  { holder, seconds = 10, renewed = '1', transitions = 1, uid = 'u' }: Written,
): KubernetesObject {
  const spec = {
    holderIdentity: holder ?? '',
    leaseDurationSeconds: seconds,
    acquireTime: 'then',
    renewTime: renewed,
    leaseTransitions: transitions,
  };
  return { metadata: { name: 'l', uid, resourceVersion: String(version) }, spec };
}

const RELEASED = { seconds: 1 } as const;

describe('what was seen of a Lease', () => {
  it('believes a holder for as long as its record says since it was last seen to change', () => {
    const seen = observation();
    seen.saw(lease(1, { holder: 'a', seconds: 15 }), 1n, 100);
    expect(seen.heldUntil(200)).toBe(15_100);
    // Looked at again, or labelled by somebody: no sign of life.
    seen.saw(lease(1, { holder: 'a', seconds: 15 }), 5n, 5_000);
    seen.sawNext(lease(6, { holder: 'a', seconds: 15 }), 6n, 6_000);
    expect(seen.heldUntil(7_000)).toBe(15_100);
    seen.saw(lease(7, { holder: 'a', seconds: 15, renewed: '2' }), 7n, 8_000);
    expect(seen.heldUntil(9_000)).toBe(23_000);
    expect(seen.heldUntil(23_000)).toBeUndefined();
    expect(seen.view(22_999)?.holder).toEqual({ nodeId: 'a', token: 1n });
    expect(seen.view(23_000)).toEqual({ holder: undefined, revision: 7n });
  });

  it('takes a record that it has seen before for a sign of life, where it may have missed what was between', () => {
    const seen = observation();
    seen.saw(lease(1, { holder: 'a' }), 1n, 0);
    seen.saw(lease(9, { holder: 'a' }), 9n, 5_000);
    expect(seen.heldUntil(5_001)).toBe(5_000 + TTL_MS);
  });

  it('believes a holder for as long as a lease lasts at least, though somebody has shortened it', () => {
    const seen = observation();
    seen.saw(lease(1, { holder: 'a', seconds: 2 }), 1n, 0);
    expect(seen.heldUntil(1)).toBe(TTL_MS);
  });

  it('ignores what is older than it knows', () => {
    const seen = observation();
    seen.saw(lease(5, { holder: 'b' }), 5n, 0);
    seen.saw(lease(3, { holder: 'a' }), 3n, 10);
    seen.saw(undefined, 4n, 20);
    expect(seen.record?.holder).toBe('b');
    seen.wentBack();
    seen.saw(lease(3, { holder: 'a' }), 3n, 30);
    expect(seen.record?.holder).toBe('a');
    expect(seen.freeFrom('a', 40)).toBe(TTL_MS);
  });

  it('waits for nobody where it was given back', () => {
    const seen = observation();
    seen.saw(lease(1, { holder: 'a' }), 1n, 0);
    seen.saw(lease(2, RELEASED), 2n, 1_000);
    expect(seen.freeFrom('b', 1_001)).toBe(1_001);
  });

  it.each([
    ['deleted', undefined],
    ['emptied', lease(2, {})],
    ['given to somebody else', lease(2, { holder: 'x', renewed: '2' })],
    ['made anew', lease(2, { uid: 'other', ...RELEASED, transitions: 0 })],
    ['put back to when it was given back the last time', lease(2, { ...RELEASED, transitions: 0 })],
  ])('waits for a holder that did not give it back: %s', (_how, object) => {
    const seen = observation();
    seen.saw(lease(1, { holder: 'a' }), 1n, 0);
    seen.saw(object, 2n, 5_000);
    expect(seen.freeFrom('b', 5_001)).toBe(5_000 + TTL_MS);
    // The one that had it knows when it has ended itself.
    if (object === undefined) expect(seen.freeFrom('a', 5_001)).toBe(5_001);
  });

  it('waits for one that it has never seen where there is none, if it is told to', () => {
    const seen = observation(true);
    seen.saw(undefined, 1n, 0);
    expect(seen.freeFrom('a', 1)).toBe(TTL_MS);
    const trusting = observation(false);
    trusting.saw(undefined, 1n, 0);
    expect(trusting.freeFrom('a', 1)).toBe(1);
    const made = observation(true);
    const metadata = { name: 'l', uid: 'u', resourceVersion: '1' };
    made.saw({ metadata }, 1n, 0);
    expect(made.freeFrom('a', 1)).toBe(1);
    made.saw({ metadata: { ...metadata, uid: 'v', resourceVersion: '2' } }, 2n, 500);
    expect(made.freeFrom('a', 501)).toBe(500 + TTL_MS);
  });

  it('knows no more holders than it can count, and waits for all of them', () => {
    const seen = observation();
    for (let number = 0; number < 1_000; number += 1) {
      seen.saw(lease(number, { holder: `h${number}`, renewed: String(number) }), BigInt(number), number);
    }
    expect(seen.freeFrom('b', 1_000)).toBe(999 + TTL_MS);
  });

  it('gives a tenure one token, and another to the next of the same holder', () => {
    const seen = observation();
    seen.saw(lease(3, { holder: 'a' }), 3n, 0);
    seen.saw(lease(4, { holder: 'a', renewed: '2' }), 4n, 1);
    expect(seen.view(2)?.holder?.token).toBe(3n);
    seen.saw(lease(5, { holder: 'a', renewed: '3', transitions: 2 }), 5n, 3);
    expect(seen.view(4)?.holder?.token).toBe(5n);
  });
});
