import { ClusterError } from './cluster-error.ts';
import { crc32 as crc32InTables, type Crc32 } from './crc32.ts';

/** An entry of a replicated log. */
export interface LogEntry {
  /** From 1. */
  readonly index: number;
  readonly term: number;
  /** What the data is, 0 to 255: the log doesn't look at it. */
  readonly kind: number;
  readonly data: Uint8Array;
}

/**
 * Entries of one term, without gaps, encoded once by their proposer: these bytes with this checksum go to every disk and
 * over every wire. The bytes carry the other fields too, so that the checksum covers them.
 */
export interface LogBatch {
  readonly firstIndex: number;
  readonly term: number;
  /** Of entries; at least 1. */
  readonly count: number;
  readonly bytes: Uint8Array;
  /** CRC-32 of the bytes. */
  readonly checksum: number;
}

/** Of a batch, before its entries: first index, term (8 bytes each) and count (4), big-endian. */
export const BATCH_HEADER_BYTES = 20;
/** Of an entry, before its data: kind (1 byte) and length (4). */
export const ENTRY_HEADER_BYTES = 5;

/**
 * Encodes entries of one term whose indexes follow each other. The data is copied.
 * @throws ClusterError `INVALID_OPTIONS` when they aren't so, or there are none
 */
export function encodeBatch(entries: readonly LogEntry[], crc32: Crc32 = crc32InTables): LogBatch {
  const [first] = entries;
  if (first === undefined) throw new ClusterError('INVALID_OPTIONS', 'a batch has at least one entry');
  let length = BATCH_HEADER_BYTES;
  for (const { data } of entries) length += ENTRY_HEADER_BYTES + data.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  putHeader(view, first.index, first.term, entries.length);
  let at = BATCH_HEADER_BYTES;
  for (let number = 0; number < entries.length; number += 1) {
    const entry = entries[number] ?? first;
    if (entry.index !== first.index + number || entry.term !== first.term) {
      throw new ClusterError('INVALID_OPTIONS', 'the entries of a batch follow each other, in one term');
    }
    view.setUint8(at, entry.kind);
    view.setUint32(at + 1, entry.data.length);
    bytes.set(entry.data, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + entry.data.length;
  }
  return { firstIndex: first.index, term: first.term, count: entries.length, bytes, checksum: crc32(bytes) };
}

/** What one entry has in front of its data, in a batch of its own. */
export const ENTRY_HEADROOM: number = BATCH_HEADER_BYTES + ENTRY_HEADER_BYTES;

/**
 * A batch of one entry whose data lies in `bytes` already, behind `ENTRY_HEADROOM` free bytes: nothing is copied. The
 * bytes must not change any more.
 */
export function sealBatch(
  bytes: Uint8Array,
  { index, term, kind }: Omit<LogEntry, 'data'>,
  crc32: Crc32 = crc32InTables,
): LogBatch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  putHeader(view, index, term, 1);
  view.setUint8(BATCH_HEADER_BYTES, kind);
  view.setUint32(BATCH_HEADER_BYTES + 1, bytes.length - ENTRY_HEADROOM);
  return { firstIndex: index, term, count: 1, bytes, checksum: crc32(bytes) };
}

/** The batch that these bytes are, or undefined when the checksum is another's or they are no batch. */
export function readBatch(bytes: Uint8Array, checksum: number, crc32: Crc32 = crc32InTables): LogBatch | undefined {
  if (bytes.length < BATCH_HEADER_BYTES || crc32(bytes) !== checksum) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [firstIndex, term, count] = [getNumber(view, 0), getNumber(view, 8), view.getUint32(16)];
  if (!isSound(view, firstIndex, term, count)) return undefined;
  return { firstIndex, term, count, bytes, checksum };
}

/** The entries of a batch, whose data are views of its bytes. Of a batch that `readBatch` gave, or `encodeBatch`. */
export function decodeBatch(batch: LogBatch): LogEntry[] {
  const { bytes, firstIndex, term, count } = batch;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: LogEntry[] = [];
  let at = BATCH_HEADER_BYTES;
  for (let number = 0; number < count; number += 1) {
    const begin = at + ENTRY_HEADER_BYTES;
    const end = begin + view.getUint32(at + 1);
    entries.push({ index: firstIndex + number, term, kind: view.getUint8(at), data: bytes.subarray(begin, end) });
    at = end;
  }
  return entries;
}

/**
 * The entries `from` to `to`, both included, as a batch of their own: the same one when these are all.
 * @throws ClusterError `INVALID_OPTIONS` when it hasn't all of these
 */
export function sliceBatch(batch: LogBatch, from: number, to: number, crc32: Crc32 = crc32InTables): LogBatch {
  const { firstIndex, term, count, bytes } = batch;
  if (from === firstIndex && to === firstIndex + count - 1) return batch;
  if (from < firstIndex || to >= firstIndex + count || from > to) {
    throw new ClusterError('INVALID_OPTIONS', `a batch of ${count} entries from ${firstIndex} has no ${from} to ${to}`);
  }
  const begin = offsetOf(batch, from - firstIndex);
  const end = offsetOf(batch, to + 1 - firstIndex);
  const part = new Uint8Array(BATCH_HEADER_BYTES + end - begin);
  putHeader(new DataView(part.buffer), from, term, to - from + 1);
  part.set(bytes.subarray(begin, end), BATCH_HEADER_BYTES);
  return { firstIndex: from, term, count: to - from + 1, bytes: part, checksum: crc32(part) };
}

/** Where the entry of this number begins. */
function offsetOf({ bytes }: LogBatch, number: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = BATCH_HEADER_BYTES;
  for (let passed = 0; passed < number; passed += 1) at += ENTRY_HEADER_BYTES + view.getUint32(at + 1);
  return at;
}

/** Whether the entries fill the bytes exactly, so that decoding never reads beyond them. */
function isSound(view: DataView, firstIndex: number, term: number, count: number): boolean {
  if (firstIndex < 1 || !Number.isSafeInteger(firstIndex + count) || !Number.isSafeInteger(term) || count < 1) {
    return false;
  }
  let at = BATCH_HEADER_BYTES;
  for (let number = 0; number < count; number += 1) {
    if (at + ENTRY_HEADER_BYTES > view.byteLength) return false;
    at += ENTRY_HEADER_BYTES + view.getUint32(at + 1);
  }
  return at === view.byteLength;
}

function putHeader(view: DataView, firstIndex: number, term: number, count: number): void {
  putNumber(view, 0, firstIndex);
  putNumber(view, 8, term);
  view.setUint32(16, count);
}

function putNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
}

function getNumber(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
