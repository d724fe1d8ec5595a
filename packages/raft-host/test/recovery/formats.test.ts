import { crc32, encodeBatch, isClusterError, type LogBatch } from '@quorate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupOf, batchesOf, gathered, INFO, inPieces, pieceOf, readBackup } from './sealed.ts';
import { readBackupInfo, writeBackup } from '../../src/recovery/backup-format.ts';

const content = fc.uint8Array({ maxLength: 3000 });
const size = fc.integer({ min: 1, max: 600 });

function batch(firstIndex: number, texts: readonly string[]): LogBatch {
  const entries = texts.map((text, at) => ({
    index: firstIndex + at,
    term: 4,
    kind: 0,
    data: new TextEncoder().encode(text),
  }));
  return encodeBatch(entries);
}

const PIECE: Uint8Array = pieceOf([batch(13, ['one', 'two']), batch(15, ['three'])]);

async function isRefused(reading: Promise<unknown>): Promise<void> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isClusterError(error, 'CORRUPT') || isClusterError(error, 'UNSUPPORTED')).toBe(true);
}

describe('a backup', () => {
  it('gives back what was written, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(content, size, size, async (bytes, written, read) => {
        expect(await readBackup(await backupOf(bytes, written), read)).toEqual([INFO, bytes]);
      }),
    );
  });

  it('holds a content of many pieces', async () => {
    const bytes = new Uint8Array(600_000).map((_, at) => at * 31);
    const [, read] = await readBackup(await backupOf(bytes), 100_000);
    expect(Buffer.compare(read, bytes)).toBe(0);
  });

  it('is refused wherever it is cut off', async () => {
    const bytes = await backupOf(new Uint8Array(700).fill(7), 300);
    for (let length = 0; length < bytes.length; length += 1) await isRefused(readBackup(bytes.slice(0, length)));
  });

  it('is refused when any bit of it is another', async () => {
    await fc.assert(
      fc.asyncProperty(content, size, fc.nat(), fc.integer({ min: 1, max: 255 }), async (state, pieces, at, flips) => {
        const bytes = await backupOf(state, pieces);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ flips;
        await isRefused(readBackup(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when a piece is left out, exchanged with another, or something comes behind', async () => {
    const parts: Uint8Array[] = [];
    for await (const part of writeBackup(
      INFO,
      inPieces(
        new Uint8Array(900).map((_, at) => at),
        300,
      ),
      crc32,
    ))
      parts.push(part.slice());
    // Head, what it is of, three pieces of two parts each, end.
    expect(parts).toHaveLength(1 + 2 + 6 + 2);
    const joined = (chosen: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chosen));
    for (const from of [3, 5, 7]) await isRefused(readBackup(joined(parts.toSpliced(from, 2))));
    const [a, b, c, d] = parts.slice(3, 7) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    await isRefused(readBackup(joined(parts.toSpliced(3, 4, c, d, a, b))));
    await isRefused(readBackup(joined([...parts, new Uint8Array(1)])));
    expect(await readBackup(joined(parts))).toBeDefined();
  });

  it('says what it is of, once it was found to be whole', async () => {
    const bytes = await backupOf(new Uint8Array(100));
    expect(await readBackupInfo(inPieces(bytes, 50), crc32)).toEqual(INFO);
    await isRefused(readBackupInfo(inPieces(bytes.slice(0, -1)), crc32));
  });

  it('lets go of what it is read from, also when that is no backup', async () => {
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield new TextEncoder().encode('a diary');
        yield new Uint8Array();
      } finally {
        isClosed = true;
      }
    }
    await isRefused(readBackupInfo(source(), crc32));
    expect(isClosed).toBe(true);
  });

  it('is the same bytes in every release', async () => {
    const bytes = await backupOf(new Uint8Array([1, 2, 3]));
    expect(Buffer.from(bytes.subarray(0, 14)).toString('hex')).toMatch(/^5142414b01/u);
    expect(crc32(bytes)).toMatchInlineSnapshot(`2510861187`);
  });
});

describe('an archive', () => {
  it('gives back the batches of pieces that are stored one behind the other', async () => {
    const next = pieceOf([batch(16, ['four'])]);
    const both = await gathered(inPieces(new Uint8Array(Buffer.concat([PIECE, next]))));
    const batches = await batchesOf(both, 7);
    expect(batches.map(({ firstIndex, count }) => [firstIndex, count])).toEqual([
      [13, 2],
      [15, 1],
      [16, 1],
    ]);
    expect(await batchesOf(new Uint8Array())).toEqual([]);
  });

  it('is refused wherever a piece is cut off, or any byte is another', async () => {
    for (let length = 1; length < PIECE.length; length += 1) await isRefused(batchesOf(PIECE.slice(0, length)));
    for (let at = 0; at < PIECE.length; at += 1) {
      const bytes = PIECE.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      await isRefused(batchesOf(bytes));
    }
  });

  it('is refused where its batches are not those that it says', async () => {
    await isRefused(batchesOf(pieceOf([batch(13, ['one']), batch(15, ['three'])])));
  });

  it('is the same bytes in every release', () => {
    expect(crc32(PIECE)).toMatchInlineSnapshot(`1274847909`);
  });
});
