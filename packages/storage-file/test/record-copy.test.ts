import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RECORD_BYTES } from '@quorate/core';
import { crc32c } from '../src/crc32c.ts';
import { decodeCopy, encodeCopy, MAX_COPY_BYTES } from '../src/record-copy.ts';
import { fileNameOf, recordNameOf } from '../src/record-path.ts';
import { bytes } from './fixture.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u);

describe('the checksum', () => {
  it('is CRC-32C', () => {
    expect(crc32c(bytes('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });
});

describe('a copy', () => {
  it('comes back as it was, whatever lies behind it', () => {
    const record = { sequence: fc.maxSafeNat(), value: fc.uint8Array({ maxLength: 600 }) };
    fc.assert(
      fc.property(name, fc.record(record), fc.uint8Array({ maxLength: 50 }), (recordName, copy, behind) => {
        const encoded = encodeCopy(recordName, copy);
        const stored = new Uint8Array(encoded.length + behind.length);
        stored.set(encoded);
        stored.set(behind, encoded.length);
        expect(decodeCopy(recordName, stored)).toEqual(copy);
      }),
    );
  });

  it('of any bytes is a copy or damage, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (stored) => {
        expect(decodeCopy('vote', stored)).toHaveProperty('damage');
        const magic = Uint8Array.from([0x51, 0x52, 0x45, 0x43, ...stored]);
        expect(decodeCopy('vote', magic)).toHaveProperty('damage');
      }),
    );
  });

  it('has room for the largest record', () => {
    const value = new Uint8Array(MAX_RECORD_BYTES);
    expect(encodeCopy('n'.repeat(100), { sequence: 1, value })).toHaveLength(MAX_COPY_BYTES);
    expect(MAX_COPY_BYTES).toBeLessThanOrEqual(17 * 4096);
  });
});

describe('the name of a file', () => {
  it('gives the name of its record, and no two names share one where case does not count', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(recordNameOf(fileNameOf(one))).toBe(one);
        expect(fileNameOf(one)).toBe(fileNameOf(one).toLowerCase());
        expect(fileNameOf(one) === fileNameOf(other)).toBe(one === other);
      }),
    );
    expect(fileNameOf('Vote')).not.toBe(fileNameOf('vote'));
  });

  it.each(['vote', '.record', 'Vote.record', '~.record', '~1.record', 'a b.record', 'vote.record.draft', '~~a.record'])(
    '%s is no record',
    (fileName) => {
      expect(recordNameOf(fileName)).toBeUndefined();
    },
  );
});
