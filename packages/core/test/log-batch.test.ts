import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, decodeBatch, encodeBatch, type LogEntry, readBatch, sliceBatch } from '../src/index.ts';

const item = fc.record({ kind: fc.integer({ min: 0, max: 255 }), data: fc.uint8Array({ maxLength: 70 }) });
const entries = fc
  .record({
    first: fc.integer({ min: 1, max: 2 ** 52 }),
    term: fc.maxSafeNat(),
    items: fc.array(item, { minLength: 1, maxLength: 20 }),
  })
  .map(({ first, term, items }): LogEntry[] => items.map((each, at) => ({ index: first + at, term, ...each })));

describe('the checksum', () => {
  it('is that of zlib, in one piece or several', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(zlibCrc32(bytes));
      }),
    );
  });
});

describe('a batch', () => {
  it('gives its entries back, wherever its bytes lie', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const batch = encodeBatch(given);
        expect(decodeBatch(batch)).toEqual(given);
        const elsewhere = new Uint8Array(batch.bytes.length + 3);
        elsewhere.set(batch.bytes, 3);
        expect(readBatch(elsewhere.subarray(3), batch.checksum)).toEqual(batch);
        expect(encodeBatch(given, zlibCrc32)).toEqual(batch);
      }),
    );
  });

  it('is cut to any part as if that had been encoded', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (given, one, other) => {
        const [from, to] = [one % given.length, other % given.length].sort((a, b) => a - b) as [number, number];
        const whole = encodeBatch(given);
        const [first, last] = [whole.firstIndex + from, whole.firstIndex + to];
        expect(sliceBatch(whole, first, last)).toEqual(encodeBatch(given.slice(from, to + 1)));
      }),
    );
  });

  it('of damaged bytes is none', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, place, change) => {
        const { bytes, checksum } = encodeBatch(given);
        const at = place % bytes.length;
        const damaged = bytes.with(at, (bytes[at] ?? 0) ^ change);
        expect(readBatch(damaged, checksum)).toBeUndefined();
        expect(readBatch(bytes.subarray(0, at), checksum)).toBeUndefined();
      }),
    );
  });

  it('of any bytes is one or none, never an exception', () => {
    const header = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (random, headed) => {
        const bytes = headed ? Uint8Array.from([...header, ...random]) : random;
        const batch = readBatch(bytes, crc32(bytes));
        if (batch !== undefined) expect(encodeBatch(decodeBatch(batch))).toEqual(batch);
      }),
    );
  });

  it('has at least one entry, and no gap or change of term', () => {
    const entry = (index: number, term: number): LogEntry => ({ index, term, kind: 0, data: new Uint8Array(1) });
    for (const wrong of [[], [entry(1, 1), entry(3, 1)], [entry(1, 1), entry(2, 2)]]) {
      expect(() => encodeBatch(wrong)).toThrowError(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    }
    expect(() => sliceBatch(encodeBatch([entry(4, 1)]), 3, 4)).toThrowError(/has no 3 to 4/u);
  });
});
