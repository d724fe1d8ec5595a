import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc32, encodeBatch, isClusterError, type LogBatch } from '@quorate/core';
import type { Message } from '@quorate/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchedEntry } from '../../src/wire/batched-entry.ts';
import { readFrame } from '../../src/wire/frame-reader.ts';
import { FrameWriter } from '../../src/wire/frame-writer.ts';
import { ANSWER, addressed, batchOf, frameOf } from './arbitrary-messages.ts';

const single = (message: Partial<Message>): Uint8Array =>
  frameOf([{ group: 1, formation: 2, message: { ...ANSWER, ...message } }]);

/** A frame with the checksum that belongs to it, whatever is in it. */
function sealed(heads: readonly number[], behind: readonly number[] = []): Uint8Array {
  const bytes = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, heads.length >> 8, heads.length & 255, ...heads, ...behind]);
  new DataView(bytes.buffer).setUint32(1, crc32(bytes.subarray(5, 9 + heads.length)));
  return bytes;
}

/** What a reader that must not fail in any other way makes of the bytes. */
function attempt(bytes: Uint8Array): ReturnType<typeof readFrame> | 'refused' {
  try {
    return readFrame(bytes, zlibCrc32);
  } catch (error) {
    expect(isClusterError(error, 'PROTOCOL')).toBe(true);
    return 'refused';
  }
}

describe('a frame', () => {
  it('gives its messages back, in order, with the batches of their entries', () => {
    fc.assert(
      fc.property(fc.array(addressed, { maxLength: 12 }), (given) => {
        const read = readFrame(frameOf(given), zlibCrc32);
        expect(read.map(({ group, formation, message }) => ({ group, formation, message }))).toEqual(given);
        expect(read.map(({ message }) => message.entries.map((entry) => BatchedEntry.batchOf(entry)))).toEqual(
          given.map(({ message }) => message.entries.map(batchOf)),
        );
      }),
    );
  });

  it('knows its length beforehand, and leaves nothing behind in its writer', () => {
    fc.assert(
      fc.property(fc.array(addressed), fc.array(addressed), (first, second) => {
        const writer = new FrameWriter(zlibCrc32);
        expect(writer.isEmpty).toBe(true);
        for (const { group, formation, message } of first) writer.add(group, formation, message, batchOf);
        const announced = writer.bytes;
        expect(writer.isEmpty).toBe(first.length === 0);
        expect(writer.take().length).toBe(announced);
        expect(writer.isEmpty).toBe(true);
        expect(frameOf(second, writer)).toEqual(frameOf(second));
      }),
    );
  });

  it('grows to megabytes, and is as good as new after it', () => {
    const data = new Uint8Array(1_000_000).fill(7);
    const entries = [1, 2, 3].map((index) => ({ index, term: 1, type: 'normal' as const, data }));
    const message: Message = { ...ANSWER, type: 'App', reject: false, index: 0, logTerm: 0, entries };
    const writer = new FrameWriter(zlibCrc32);
    for (let round = 0; round < 2; round += 1) {
      const [read] = readFrame(frameOf([{ group: 9, formation: 0, message }], writer), zlibCrc32);
      expect(read?.message.entries.map((entry) => entry.data.length)).toEqual([1e6, 1e6, 1e6]);
    }
    expect(frameOf([{ group: 1, formation: 2, message: ANSWER }], writer)).toEqual(single({}));
  });

  it('is read without copying entries', () => {
    const entries = [{ index: 301, term: 5, type: 'normal' as const, data: new Uint8Array(9) }];
    const bytes = single({ type: 'App', entries });
    const [read] = readFrame(bytes, crc32);
    const [entry] = read?.message.entries ?? [];
    expect(entry?.data.buffer).toBe(bytes.buffer);
    expect(entry && BatchedEntry.batchOf(entry)?.bytes.buffer).toBe(bytes.buffer);
  });
});

describe('a damaged frame', () => {
  it('is refused, whichever bit was turned', () => {
    fc.assert(
      fc.property(fc.array(addressed, { minLength: 1, maxLength: 4 }), fc.nat(), (given, place) => {
        const bytes = frameOf(given);
        const bit = place % (bytes.length * 8);
        const damaged = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
        expect(attempt(damaged)).toBe('refused');
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused wherever it is cut off, and with bytes behind it', () => {
    fc.assert(
      fc.property(
        fc.array(addressed, { minLength: 1, maxLength: 3 }),
        fc.uint8Array({ minLength: 1 }),
        (given, more) => {
          const bytes = frameOf(given);
          for (let length = 0; length < bytes.length; length += 1) {
            expect(attempt(bytes.subarray(0, length))).toBe('refused');
          }
          expect(attempt(Uint8Array.from([...bytes, ...more]))).toBe('refused');
        },
      ),
    );
  });
});

describe('a frame by a hostile peer', () => {
  const heads = fc.array(fc.oneof(fc.nat(7), fc.nat(255)), { maxLength: 60 });

  it('is read or refused, never anything else, though its checksum is right', () => {
    fc.assert(
      fc.property(heads, heads, (head, behind) => {
        const read = attempt(sealed(head, behind));
        // What is believed could have been written by a correct node, byte for byte.
        if (read !== 'refused') expect(frameOf(read)).toEqual(sealed(head, behind));
      }),
      { numRuns: 2000 },
    );
  });

  it('is read or refused with any part of a sound one replaced', () => {
    fc.assert(
      fc.property(fc.array(addressed, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), (given, place, value) => {
        const bytes = frameOf(given);
        const length = new DataView(bytes.buffer).getUint32(5);
        const head = bytes.slice(9, 9 + length).with(place % length, value);
        const changed = sealed([...head], [...bytes.subarray(9 + length)]);
        const read = attempt(changed);
        if (read !== 'refused') expect(frameOf(read)).toEqual(changed);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused at any random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(bytes) === 'refused'));
  });

  const refused: readonly (readonly [string, Uint8Array])[] = [
    ['of another version', single({}).with(0, 2)],
    ['of type 0', sealed([0, 0, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0])],
    ['of an unknown type', sealed([13, 0, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0])],
    ['with unknown flags', sealed([2, 8, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0])],
    ['from nobody', sealed([2, 0, 1, 0, 0, 0, 2, 0, 2, 5, 4, 1, 0, 0])],
    ['to nobody', sealed([2, 0, 1, 0, 0, 0, 2, 3, 0, 5, 4, 1, 0, 0])],
    ['without a term', sealed([2, 0, 1, 0, 0, 0, 2, 3, 2, 0, 4, 1, 0, 0])],
    ['with a pre-vote of no term', sealed([6, 0, 1, 0, 0, 0, 2, 3, 2, 0, 4, 1, 0, 0])],
    ['with a number in too many bytes', sealed([2, 0, 0x81, 0, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0])],
    ['of a group beyond 32 bits', sealed([2, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0])],
    [
      'with a number beyond 53 bits',
      sealed([2, 0, 1, 0, 0, 0, 2, 3, 2, 255, 255, 255, 255, 255, 255, 255, 16, 4, 1, 0, 0]),
    ],
    [
      'with a number that does not end',
      sealed([2, 0, 1, 0, 0, 0, 2, 3, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1]),
    ],
    ['with a context too long', sealed([2, 2, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0, 65, ...Array<number>(65).fill(1)])],
    ['with no entries where there are some', sealed([1, 4, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0, 0])],
    ['with more entries than bytes', sealed([1, 4, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0, 255, 255, 255, 255, 127, 0, 0])],
    ['with a batch longer than all', sealed([1, 4, 1, 0, 0, 0, 2, 3, 2, 5, 4, 1, 0, 0, 1, 255, 1, 0, 0, 0, 0], [1, 2])],
  ];
  it.each(refused)('is refused %s', (_what, bytes) => {
    expect(attempt(bytes)).toBe('refused');
  });

  const kind = 0;
  const data = new Uint8Array(3);
  const frameWith = (batch: LogBatch, type = 1, logTerm = 4): Uint8Array => {
    const sum = new Uint8Array(4);
    new DataView(sum.buffer).setUint32(0, batch.checksum);
    const head = [type, 4, 1, 0, 0, 0, 2, 3, 2, /* term */ 5, logTerm, /* index */ 6, 0, 0];
    return sealed([...head, 1, batch.bytes.length, ...sum], [...batch.bytes]);
  };
  it('is refused with entries that a leader of that term has not', () => {
    const entry = (index: number, term: number): LogBatch => encodeBatch([{ index, term, kind, data }]);
    expect(attempt(frameWith(entry(7, 4)))).not.toBe('refused');
    expect(attempt(frameWith(entry(7, 5)))).not.toBe('refused');
    for (const wrong of [entry(6, 5), entry(8, 5), entry(7, 3), entry(7, 6)]) {
      expect(attempt(frameWith(wrong))).toBe('refused');
    }
    expect(attempt(frameWith(entry(7, 5), 2))).toBe('refused');
    expect(attempt(frameWith(entry(7, 1), 1, 0))).not.toBe('refused');
    expect(attempt(frameWith(entry(7, 0), 1, 0))).toBe('refused');
  });

  it('is refused with a batch of several entries', () => {
    const two = [7, 8].map((index) => ({ index, term: 5, kind, data }));
    expect(attempt(frameWith(encodeBatch(two)))).toBe('refused');
  });
});

describe('a writer', () => {
  const add = (message: Partial<Message>, batch: typeof batchOf = batchOf) => {
    const writer = new FrameWriter();
    writer.add(1, 2, ANSWER, batchOf);
    const error = expect.objectContaining({ code: 'INVALID_OPTIONS' });
    expect(() => writer.add(1, 2, { ...ANSWER, ...message }, batch)).toThrowError(error);
    expect(writer.take()).toEqual(single({}));
  };

  it('refuses what goes into no frame, and stays as it was', () => {
    for (const type of ['Snap', 'Prop', 'ForgetLeader', 'Hup', 'StorageAppend', 'StorageApplyResp'] as const)
      add({ type });
    const entries = [{ index: 301, term: 5, type: 'normal' as const, data: new Uint8Array(1) }];
    add({ entries });
    add({ context: new Uint8Array(65) });
    for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) add({ rejectHint: wrong });
    add({ type: 'App', entries }, (entry) => batchOf({ ...entry, index: 302 }));
    add({ type: 'App', entries }, (entry) => batchOf({ ...entry, term: 4 }));
    const two = [301, 302].map((index) => ({ index, term: 5, kind: 0, data: new Uint8Array(1) }));
    add({ type: 'App', entries }, () => encodeBatch(two));
  });
});
