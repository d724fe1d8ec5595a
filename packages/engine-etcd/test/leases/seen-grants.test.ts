import { expect, it } from 'vitest';

import type { ToldGrant } from '../../src/leases/lease-queue.ts';
import type { LeaseRecord } from '../../src/leases/lease-record.ts';
import { SeenGrants } from '../../src/leases/seen-grants.ts';

const record: LeaseRecord = {
  nodeId: 'a',
  incarnation: 1,
  claim: 0,
  kind: 'exclusive',
  ttlMs: 10_000,
  released: false,
};
const none = new Map<string, ToldGrant>();

function told(modRevision: number, details: Partial<LeaseRecord> = {}): Map<string, ToldGrant> {
  return new Map([['1a', { record: { ...record, ...details }, modRevision: BigInt(modRevision) }]]);
}

function untilOf(seen: SeenGrants, now: number): number | undefined {
  return seen.unproven(now, new Set())[0]?.until;
}

it('a grant may hold for its time after the last sign of life, which is a new revision of its record', () => {
  const seen = new SeenGrants();
  seen.note(told(5), 5n, 1_000);
  expect(untilOf(seen, 1_000)).toBe(11_000);
  seen.note(told(5), 6n, 2_000);
  expect(untilOf(seen, 2_000)).toBe(11_000);
  seen.note(told(7), 7n, 3_000);
  expect(untilOf(seen, 3_000)).toBe(13_000);
  expect(untilOf(seen, 13_000)).toBeUndefined();
});

it('one that vanishes before its time may hold on, one that etcd let expire does not', () => {
  const seen = new SeenGrants();
  seen.note(told(5), 5n, 1_000);
  seen.gone('1a', { record, modRevision: 5n }, 4_000);
  seen.note(none, 8n, 4_000);
  expect(untilOf(seen, 4_000)).toBe(11_000);
  expect(untilOf(seen, 11_000)).toBeUndefined();
});

it('one that was given back is over, whether its mark is seen or only how it went', () => {
  const marked = new SeenGrants();
  marked.note(told(5), 5n, 1_000);
  marked.note(told(6, { released: true }), 6n, 2_000);
  expect(untilOf(marked, 2_000)).toBeUndefined();
  marked.note(none, 7n, 2_000);
  expect(untilOf(marked, 2_000)).toBeUndefined();
  const gone = new SeenGrants();
  gone.note(told(5), 5n, 1_000);
  gone.gone('1a', { record: { ...record, released: true }, modRevision: 6n }, 2_000);
  gone.note(none, 7n, 2_000);
  expect(untilOf(gone, 2_000)).toBeUndefined();
});

it('of one that is missing in what was read, nobody knows when its last sign of life was', () => {
  const seen = new SeenGrants();
  seen.note(told(5), 5n, 1_000);
  seen.note(none, 20n, 9_000);
  expect(untilOf(seen, 9_000)).toBe(19_000);
  seen.note(none, 21n, 10_000);
  expect(untilOf(seen, 10_000)).toBe(19_000);
  // The watch catches up, and shows that it was given back.
  seen.gone('1a', { record: { ...record, released: true }, modRevision: 19n }, 10_500);
  expect(untilOf(seen, 10_500)).toBeUndefined();
});

it('a sign of life that came together with the end counts', () => {
  const seen = new SeenGrants();
  seen.note(told(5), 5n, 1_000);
  seen.gone('1a', { record, modRevision: 9n }, 6_000);
  expect(untilOf(seen, 6_000)).toBe(16_000);
});

it('what is older than what is known changes nothing', () => {
  const seen = new SeenGrants();
  seen.note(none, 9n, 1_000);
  seen.note(told(5), 5n, 2_000);
  expect(untilOf(seen, 2_000)).toBeUndefined();
});

it('those that are excepted are left out', () => {
  const seen = new SeenGrants();
  seen.note(told(5), 5n, 1_000);
  expect(seen.unproven(1_000, new Set(['1a']))).toEqual([]);
});
