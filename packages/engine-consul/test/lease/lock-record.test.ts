import fc from 'fast-check';
import { expect, it } from 'vitest';

import { readLock } from '../../src/lease/lock-entry.ts';
import { decodeName, decodeRecord, encodeRecord, type LockRecord } from '../../src/lease/lock-record.ts';

const count = fc.nat();
const records: fc.Arbitrary<LockRecord> = fc.oneof(
  fc.constant<LockRecord>({ state: 'free' }),
  fc.record({ state: fc.constant('new' as const), ttlMs: count.map((ms) => ms % 86_400_000) }),
  fc.record({
    state: fc.constant('held' as const),
    holder: fc.record({ nodeId: fc.stringMatching(/^[A-Za-z0-9]{1,128}$/u), incarnation: count, claim: count }),
    ttlMs: fc.integer({ min: 1, max: 86_400_000 }),
  }),
);

it('a record is read as it was written', () => {
  fc.assert(
    fc.property(records, (record) => {
      expect(decodeRecord(encodeRecord(record))).toEqual(record);
    }),
  );
});

it('what is none of ours is none, and nothing throws', () => {
  const values = fc.oneof(
    fc.string().map((text) => btoa(encodeURIComponent(text))),
    fc.json().map((text) => btoa(encodeURIComponent(text))),
    fc.anything(),
    fc.string({ minLength: 2_049, maxLength: 3_000 }),
  );
  fc.assert(
    fc.property(values, (value) => {
      expect(decodeRecord(value)).toBeUndefined();
    }),
  );
});

it('a record with anything wrong in it is none', () => {
  const whole = { quorate: 1, state: 'held', nodeId: 'a', incarnation: 1, claim: 0, ttlMs: 1_000 };
  const read = (changes: object) => decodeRecord(btoa(JSON.stringify({ ...whole, ...changes })));
  expect(read({})).toEqual({ state: 'held', holder: { nodeId: 'a', incarnation: 1, claim: 0 }, ttlMs: 1_000 });
  const wrong = [
    { quorate: 2 },
    { state: 'other' },
    { nodeId: '-' },
    { nodeId: 7 },
    { incarnation: -1 },
    { claim: 0.5 },
    { ttlMs: -1 },
    { ttlMs: 86_400_001 },
    { ttlMs: '1000' },
  ];
  for (const changes of wrong) expect([changes, read(changes)]).toEqual([changes, undefined]);
});

it('others are called what they call themselves, where that is a name', () => {
  expect(decodeName(btoa('host-1.example\n'))).toBe('host-1.example');
  for (const value of [btoa('two words'), btoa(''), btoa('{}'), null, 7, '&'])
    expect(decodeName(value)).toBeUndefined();
});

it('the record of a semaphore is told from a lock by its flags', () => {
  const read = (flags: string) => {
    const body: unknown = JSON.parse(`[{"ModifyIndex":7,"Value":null,"Flags":${flags}}]`);
    return readLock('x', { status: 200, body, index: 7, filtered: false }).entry?.isSemaphore;
  };
  expect(read('16210313421097356768')).toBe(true);
  expect(read('3304740253564472344')).toBe(false);
  expect(read('0')).toBe(false);
});
