import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { EtcdEntry } from '../../src/etcd-entry.ts';
import { holderOf, LeaseKeys } from '../../src/leases/lease-keys.ts';
import { LeaseQueue, mustWait } from '../../src/leases/lease-queue.ts';
import { decodeRecord, encodeRecord, type LeaseRecord } from '../../src/leases/lease-record.ts';

const keys = new LeaseKeys('/x');

function record(kind: LeaseRecord['kind'], details: Partial<LeaseRecord> = {}): LeaseRecord {
  return { nodeId: 'a', incarnation: 1, claim: 0, kind, ttlMs: 10_000, released: false, ...details };
}

function entry(key: string, revision: number, value: Uint8Array | string): EtcdEntry {
  const at = BigInt(revision);
  return { key, value: Buffer.from(value), createRevision: at, modRevision: at, lease: '1' };
}

function queueOf(...entries: readonly EtcdEntry[]): LeaseQueue {
  return new LeaseQueue(keys, { entries, revision: 100n, complete: true });
}

describe('who has it', () => {
  it('is who came first, whoever that is and in whatever order the keys are', () => {
    const queue = queueOf(
      entry('/x/11', 30, encodeRecord(record('exclusive'))),
      entry('/x/7f', 20, 'theirs'),
      entry('/x.~11', 31, encodeRecord(record('exclusive'))),
    );
    expect(queue.leader).toEqual({ nodeId: 'theirs', token: 20n });
    expect(queue.ahead(30n).map(({ holder }) => holder)).toEqual(['7f']);
    expect([...queue.grants.keys()]).toEqual(['11']);
    expect(queue.has({ holder: '11', createRevision: 30n })).toBe(true);
    expect(queue.has({ holder: '11', createRevision: 31n })).toBe(false);
  });

  it('is named by its key where what it calls itself can’t be shown', () => {
    expect(queueOf(entry('/x/7f', 20, '')).leader?.nodeId).toBe('7f');
    expect(queueOf(entry('/x/7f', 20, 'two words\u0007')).leader?.nodeId).toBe('7f');
  });

  it('is nobody where nobody stands', () => {
    expect(queueOf().leader).toBeUndefined();
    expect(queueOf(entry('/x.~zz', 1, encodeRecord(record('exclusive'))), entry('/x.~', 2, 'y')).grants.size).toBe(0);
  });
});

describe('who must wait', () => {
  const place = (kind: LeaseRecord['kind'] | undefined, holder: string) => ({
    holder,
    createRevision: 1n,
    nodeId: holder,
    record: kind === undefined ? undefined : record(kind),
  });
  const unproven = (kind: LeaseRecord['kind'], holder: string) => ({ holder, record: record(kind), until: 9 });

  it('alone: for everyone ahead, and every grant that may still hold', () => {
    for (const kind of ['exclusive', 'write'] as const) {
      expect(mustWait({ kind }, [], [])).toBe(false);
      expect(mustWait({ kind }, [place('read', '1')], [])).toBe(true);
      expect(mustWait({ kind }, [], [unproven('read', '1')])).toBe(true);
    }
  });

  it('to read: for writers and strangers ahead', () => {
    const share = { kind: 'read' } as const;
    expect(mustWait(share, [place('read', '1')], [unproven('read', '2')])).toBe(false);
    expect(mustWait(share, [place('write', '1')], [])).toBe(true);
    expect(mustWait(share, [place(undefined, '1')], [])).toBe(true);
    expect(mustWait(share, [], [unproven('write', '1')])).toBe(true);
  });

  it('for a permit: while as many as there are may be taken, each counted once', () => {
    const share = { kind: 'permit', permits: 2 } as const;
    expect(mustWait(share, [place('permit', '1')], [unproven('permit', '1')])).toBe(false);
    expect(mustWait(share, [place('permit', '1')], [unproven('permit', '2')])).toBe(true);
    expect(mustWait(share, [place('permit', '1'), place('permit', '2')], [])).toBe(true);
  });
});

describe('what is written', () => {
  it('is read as it was', () => {
    for (const released of [false, true]) {
      const written = record('permit', { claim: 7, released });
      expect(decodeRecord(encodeRecord(written))).toEqual(written);
    }
  });

  it('is nothing of ours in whatever else there is, and nothing breaks on it', () => {
    const parts = { quorate: 1, node: 'a', incarnation: 1, claim: 0, kind: 'read', ttlMs: 5 };
    const wrong = [{ quorate: 2 }, { node: 'a b' }, { kind: 'x' }, { ttlMs: 1e12 }, { ttlMs: -1 }, { claim: '0' }];
    for (const part of wrong) expect(decodeRecord(Buffer.from(JSON.stringify({ ...parts, ...part })))).toBeUndefined();
    expect(decodeRecord(Buffer.from(JSON.stringify(parts)))).toBeDefined();
    expect(decodeRecord(Buffer.from('null'))).toBeUndefined();
    expect(decodeRecord(Buffer.alloc(2_000, 0x20))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => decodeRecord(bytes) === undefined));
  });
});

it('keys of a lease are within its range, and those of its neighbours aren’t its', () => {
  const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  for (const key of [keys.place('1a'), keys.grant('1a')]) {
    expect(compare(keys.range.from, key)).toBeLessThanOrEqual(0);
    expect(compare(key, keys.range.to)).toBeLessThan(0);
  }
  for (const other of ['/x0', '/x', '/xy/1a', '/x-/1a', '/x.~y/1a']) expect(keys.read(other)).toBeUndefined();
  expect(holderOf('7587886446428184839')).toBe('694d96854b5a6107');
});
