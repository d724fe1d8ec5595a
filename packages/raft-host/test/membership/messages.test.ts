import { ClusterError, isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChangeRequest,
  decodeChangeAnswer,
  decodeForwardedChange,
  encodeChangeAnswer,
  encodeForwardedChange,
} from '../../src/membership/change-request.ts';
import {
  decodeNodeIdentity,
  decodeRemoval,
  encodeNodeIdentity,
  encodeRemoval,
} from '../../src/membership/identity-messages.ts';
import { decodeGroupState, encodeGroupState } from '../../src/group-state.ts';

const DISK = 'd'.repeat(32);
const FORMATION = 'f'.repeat(32);

const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const id = hex.filter((text) => !/^0+$/u.test(text));
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const identity = fc.option(fc.record({ formation: id, number }), { nil: undefined });
const nodeId = fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/u);
const change: fc.Arbitrary<ChangeRequest> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), nodeId, as: fc.constantFrom('voter' as const, 'learner' as const) }),
  fc.record({ type: fc.constant('remove' as const), nodeId }),
  fc.record({ type: fc.constant('remove' as const), nodeId, numbers: fc.array(number, { maxLength: 5 }) }),
  fc.record({ type: fc.constant('replace' as const), nodeId, by: nodeId }),
);

describe('what nodes say to each other about members', () => {
  it('arrives as it was meant', () => {
    fc.assert(
      fc.property(change, fc.nat(3), fc.nat(86_400_000), (request, hops, timeoutMs) => {
        const forwarded = { change: request, hops, timeoutMs };
        expect(decodeForwardedChange(encodeForwardedChange(forwarded))).toEqual(forwarded);
      }),
    );
    fc.assert(
      fc.property(id, identity, fc.boolean(), (disk, is, isRemoved) => {
        const said = { disk, identity: is, isRemoved };
        expect(decodeNodeIdentity(encodeNodeIdentity(said))).toEqual(said);
      }),
    );
    expect(decodeRemoval(encodeRemoval({ formation: FORMATION, number: 3 }))).toEqual({
      formation: FORMATION,
      number: 3,
    });
    expect(decodeChangeAnswer(encodeChangeAnswer(undefined))).toBeUndefined();
    const error = new ClusterError('QUORUM_LOST', 'too few', { outcome: 'not-applied', leader: { nodeId: 'a' } });
    expect(decodeChangeAnswer(encodeChangeAnswer(error))).toMatchObject({
      code: 'QUORUM_LOST',
      outcome: 'not-applied',
      leader: { nodeId: 'a' },
    });
  });

  it('is refused as a whole when it makes no sense', () => {
    const texts = [
      '',
      'null',
      '[]',
      '{"version":2,"hops":0,"timeoutMs":1,"change":{"type":"remove","nodeId":"a"}}',
      '{"version":1,"hops":-1,"timeoutMs":1,"change":{"type":"remove","nodeId":"a"}}',
      '{"version":1,"hops":0,"timeoutMs":1,"change":{"type":"remove","nodeId":"not an id"}}',
      '{"version":1,"hops":0,"timeoutMs":1,"change":{"type":"remove","nodeId":"a","numbers":[0]}}',
      '{"version":1,"hops":0,"timeoutMs":1,"change":{"type":"add","nodeId":"a","as":"leader"}}',
      '{"version":1,"hops":0,"timeoutMs":1,"change":{"type":"replace","nodeId":"a"}}',
      `{"disk":"${DISK}"}`,
      `{"disk":"none","isRemoved":false}`,
      `{"disk":"${DISK}","isRemoved":false,"formation":"${FORMATION}"}`,
      `{"disk":"${DISK}","isRemoved":false,"formation":"none","number":1}`,
      `{"formation":"${FORMATION}","number":0}`,
    ];
    for (const text of texts)
      for (const decode of DECODERS) expect(() => decode(new TextEncoder().encode(text))).toThrow(PROTOCOL);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of DECODERS) expectRefusal(() => decode(bytes));
      }),
    );
    expect(() => decodeForwardedChange(new Uint8Array(1 << 20))).toThrow(PROTOCOL);
  });

  it('waits for no longer than a day', () => {
    const forwarded = { change: { type: 'remove', nodeId: 'a' }, hops: 0, timeoutMs: Number.MAX_SAFE_INTEGER } as const;
    expect(decodeForwardedChange(encodeForwardedChange(forwarded)).timeoutMs).toBe(86_400_000);
  });
});

describe('what a group remembers beside its log', () => {
  it('says whether its member was removed', () => {
    fc.assert(
      fc.property(id, identity, fc.boolean(), fc.maxSafeNat(), fc.maxSafeNat(), (disk, is, isRemoved, term, vote) => {
        const state = { disk, identity: is, isRemoved, term, vote };
        expect(decodeGroupState(encodeGroupState(state))).toEqual(state);
      }),
    );
  });

  it('is damaged when it is cut short', () => {
    const bytes = encodeGroupState({ disk: DISK, identity: undefined, isRemoved: false, term: 1, vote: 1 });
    expect(() => decodeGroupState(bytes.subarray(1))).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });
});

const PROTOCOL: Error = expect.objectContaining({ code: 'PROTOCOL' });
const DECODERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  decodeForwardedChange,
  decodeNodeIdentity,
  decodeRemoval,
];

/** Chance may find something that can be read. */
function expectRefusal(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(isClusterError(error, 'PROTOCOL')).toBe(true);
  }
}
