import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandBatchWriter } from '../../src/commands/command-batch.ts';
import { decodeSkip, encodeSkip, isSkip } from '../../src/commands/skip.ts';

const skip = fc.record({ index: fc.maxSafeNat().map((index) => Math.max(1, index)), place: fc.maxSafeNat() });

describe('skips', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(skip, (skip) => {
        const data = encodeSkip(skip);
        expect(isSkip(data)).toBe(true);
        expect(decodeSkip(data)).toEqual(skip);
      }),
    );
  });

  it('are told from batches of commands and from empty entries', () => {
    const writer = new CommandBatchWriter();
    writer.add({ kind: 'keep-session', sessionId: 1 });
    expect(isSkip(writer.take(0))).toBe(false);
    expect(isSkip(new Uint8Array())).toBe(false);
  });

  it('are refused as CORRUPT when they are not sound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          expect(decodeSkip(Uint8Array.of(2, ...bytes)).index).toBeGreaterThan(0);
        } catch (error) {
          expect(isClusterError(error, 'CORRUPT')).toBe(true);
        }
      }),
    );
  });
});
