import { crc32, decodeBatch, encodeBatch, type LogBatch, type LogEntry } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { CommandBatchWriter } from '../../src/commands/command-batch.ts';
import { encodePiece } from '../../src/recovery/archive-format.ts';
import { ArchivedHistory, type HistoryEnd } from '../../src/recovery/archived-history.ts';
import { FORMATION, INFO, inPieces } from './sealed.ts';

const { index: BACKUP, term: TERM, timeMs: TIME } = INFO;

/** An entry behind the backup. */
function entry(
  behind: number,
  { term = TERM, kind = 0, time = TIME }: Partial<LogEntry> & { time?: number } = {},
): LogEntry {
  const writer = new CommandBatchWriter(0);
  writer.add({ kind: 'plain', data: new Uint8Array([behind]) });
  return { index: BACKUP + behind, term, kind, data: writer.take(time) };
}

function piece(previousTerm: number, ...entries: readonly LogEntry[]): Uint8Array {
  const [first] = entries as [LogEntry];
  const batches = entries.map((each) => encodeBatch([each]));
  const lastIndex = first.index + entries.length - 1;
  const info = { group: 1, formation: FORMATION, firstIndex: first.index, lastIndex, previousTerm };
  return encodePiece(info, batches, crc32);
}

async function read(
  pieces: readonly Uint8Array[],
  until?: HistoryEnd,
): Promise<{ readonly entries: readonly LogEntry[]; readonly point: ArchivedHistory['point'] }> {
  const history = new ArchivedHistory(INFO, until, crc32);
  const batches: LogBatch[] = [];
  for await (const batch of history.read(inPieces(new Uint8Array(Buffer.concat(pieces))))) batches.push(batch);
  return { entries: batches.flatMap(decodeBatch), point: history.point };
}

const indexes = ({ entries }: { readonly entries: readonly LogEntry[] }) => entries.map(({ index }) => index - BACKUP);

describe('the history behind a backup', () => {
  it('is what the archive has behind it, up to an entry', async () => {
    const pieces = [piece(TERM, entry(-1), entry(0), entry(1)), piece(TERM, entry(2), entry(3))];
    expect(indexes(await read(pieces))).toEqual([1, 2, 3]);
    for (const behind of [0, 1, 2, 3]) {
      const { entries, point } = await read(pieces, { index: BACKUP + behind });
      expect(entries).toHaveLength(behind);
      expect(point.index).toBe(BACKUP + behind);
    }
  });

  it('goes up to the last entry of a time, with what has no time of its own', async () => {
    const silent: LogEntry = { index: BACKUP + 2, term: TERM, kind: 0, data: new Uint8Array() };
    const times = [entry(1, { time: TIME + 10 }), silent, entry(3, { time: TIME + 10 }), entry(4, { time: TIME + 20 })];
    const pieces = [piece(TERM, ...times)];
    expect(indexes(await read(pieces, { timeMs: TIME }))).toEqual([]);
    expect(indexes(await read(pieces, { timeMs: TIME + 10 }))).toEqual([1, 2, 3]);
    expect(indexes(await read(pieces, { timeMs: TIME + 19.5 }))).toEqual([1, 2, 3]);
    // Nobody knows what else was committed by then.
    await expect(read(pieces, { timeMs: TIME + 20 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('takes the time of a leader whose clock went back for the one before', async () => {
    const pieces = [
      piece(TERM, entry(1, { time: TIME + 10 }), entry(2, { time: TIME - 10 }), entry(3, { time: TIME + 20 })),
    ];
    expect(indexes(await read(pieces, { timeMs: TIME + 15 }))).toEqual([1, 2]);
    expect(indexes(await read(pieces, { timeMs: TIME + 5 }))).toEqual([]);
  });

  it('has of changes of the members only their places', async () => {
    const { entries } = await read([piece(TERM, entry(1, { kind: 1 }), entry(2, { kind: 2 }), entry(3, { kind: 7 }))]);
    const kept = entries.map(({ kind, data }) => [kind, data.length]);
    expect(kept).toEqual([
      [0, 0],
      [0, 0],
      [7, entry(3).data.length],
    ]);
  });

  it('is one: pieces of another are found by their terms', async () => {
    const others = [
      [piece(TERM + 1, entry(1, { term: TERM + 1 }))],
      [piece(TERM, entry(0, { term: TERM - 1 }), entry(1))],
      [piece(TERM, entry(1)), piece(TERM, entry(1, { term: TERM + 1 }), entry(2, { term: TERM + 1 }))],
      [piece(TERM, entry(1, { term: TERM + 2 })), piece(TERM + 2, entry(2, { term: TERM + 1 }))],
    ];
    for (const pieces of others) await expect(read(pieces)).rejects.toMatchObject({ code: 'CORRUPT' });
    const grows = [piece(TERM, entry(1, { term: TERM + 1 })), piece(TERM + 1, entry(2, { term: TERM + 2 }))];
    expect(indexes(await read(grows))).toEqual([1, 2]);
  });

  it('names what is missing', async () => {
    const gap = [piece(TERM, entry(1)), piece(TERM, entry(4))];
    await expect(read(gap)).rejects.toThrow(`lacks entries ${BACKUP + 2} to ${BACKUP + 3}`);
    await expect(read([piece(TERM, entry(1))], { index: BACKUP + 2 })).rejects.toThrow(`ends with entry ${BACKUP + 1}`);
    // What comes behind the end is not looked at.
    expect(indexes(await read(gap, { index: BACKUP + 1 }))).toEqual([1]);
  });
});
