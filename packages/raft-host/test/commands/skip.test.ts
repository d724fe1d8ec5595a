import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandBatchWriter } from '../../src/commands/command-batch.ts';
import { MAX_SKIPS, SkipSet } from '../../src/commands/skip-set.ts';
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

describe('SkipSet', () => {
  it('knows what was added, in its order in the log', () => {
    const set = new SkipSet([
      { index: 7, place: 2 },
      { index: 3, place: 0 },
      { index: 7, place: 1 },
      { index: 7, place: 2 },
    ]);
    expect(set.positions()).toEqual([
      { index: 3, place: 0 },
      { index: 7, place: 1 },
      { index: 7, place: 2 },
    ]);
    expect([set.has({ index: 7, place: 1 }), set.has({ index: 7, place: 0 })]).toEqual([true, false]);
    expect([set.touches(3), set.touches(4)]).toEqual([true, false]);
  });

  it('forgets those of the oldest entries when there are too many', () => {
    const set = new SkipSet([{ index: 2, place: 1 }]);
    for (let index = 3; index <= MAX_SKIPS + 3; index += 1) set.add({ index, place: 0 });
    expect(set.positions().length).toBe(MAX_SKIPS);
    expect([set.touches(2), set.touches(3), set.touches(4)]).toEqual([false, false, true]);
  });
});
