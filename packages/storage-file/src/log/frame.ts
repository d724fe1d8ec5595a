import type { Crc32 } from '@quorate/core';
import { getNumber, putNumber, viewOf } from './numbers.ts';
import { decodeRecords, encodeRecords, type LogRecord, recordsLength } from './log-record.ts';

/** Frames begin at multiples of this, so that no write touches a page with anything that was acknowledged before. */
export const PAGE_BYTES = 4096;
export const FRAME_HEADER_BYTES = 52;

const MAGIC = 0x5146524d;
const CHECKPOINT_FLAG = 1;
const HEADER_CHECKSUM_OFFSET = 48;

/** What one write and sync brings to the log: a header, a table of records, and the batches that these tell of. */
export interface FrameHeader {
  /** From 1; each frame has that of the one before and one more. */
  readonly sequence: number;
  /**
   * Frames up to this one were synced when this was written. Those between it and this frame say nothing that this one
   * doesn't say again.
   */
  readonly durableThrough: number;
  /** It tells what all groups must remember, so that segments before its own aren't needed for that. */
  readonly isCheckpoint: boolean;
  /** Whose number it was written for: another's is a leftover of the file's former life. */
  readonly segment: number;
  readonly tableLength: number;
  readonly bodyLength: number;
  readonly tableChecksum: number;
}

/** What makes checksums of one log worthless for another, and for a program that writes to the log. */
export interface LogSeal {
  /** 8 bytes of chance, drawn when the log was made. */
  readonly id: Uint8Array;
  readonly crc32: Crc32;
}

export interface FrameDescription {
  readonly sequence: number;
  readonly durableThrough: number;
  readonly isCheckpoint: boolean;
  readonly segment: number;
}

/** Header and table of a frame, as one chunk. */
export function encodeFrameHead(seal: LogSeal, about: FrameDescription, records: readonly LogRecord[]): Uint8Array {
  const tableLength = recordsLength(records);
  const head = new Uint8Array(FRAME_HEADER_BYTES + tableLength);
  const bodyLength = encodeRecords(viewOf(head), FRAME_HEADER_BYTES, records);
  const tableChecksum = seal.crc32(head.subarray(FRAME_HEADER_BYTES));
  putFrameHeader(seal, head, { ...about, tableLength, bodyLength, tableChecksum });
  return head;
}

/** Puts a header before a table that is there already. */
function putFrameHeader({ id, crc32 }: LogSeal, head: Uint8Array, header: FrameHeader): void {
  const view = viewOf(head);
  view.setUint32(0, MAGIC);
  view.setUint32(4, header.isCheckpoint ? CHECKPOINT_FLAG : 0);
  head.set(id, 8);
  putNumber(view, 16, header.sequence);
  putNumber(view, 24, header.durableThrough);
  view.setUint32(32, header.tableLength);
  view.setUint32(36, header.bodyLength);
  view.setUint32(40, header.tableChecksum);
  view.setUint32(44, header.segment);
  view.setUint32(HEADER_CHECKSUM_OFFSET, crc32(head.subarray(0, HEADER_CHECKSUM_OFFSET)));
}

/** The header at the beginning of the bytes; undefined when there is none of this log and segment. */
export function decodeFrameHeader({ id, crc32 }: LogSeal, segment: number, bytes: Uint8Array): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC || !id.every((byte, at) => byte === bytes[8 + at])) return undefined;
  if (view.getUint32(44) !== segment) return undefined;
  if (view.getUint32(HEADER_CHECKSUM_OFFSET) !== crc32(bytes.subarray(0, HEADER_CHECKSUM_OFFSET))) return undefined;
  return {
    sequence: getNumber(view, 16),
    durableThrough: getNumber(view, 24),
    isCheckpoint: view.getUint32(4) === CHECKPOINT_FLAG,
    tableLength: view.getUint32(32),
    bodyLength: view.getUint32(36),
    tableChecksum: view.getUint32(40),
    segment,
  };
}

/** The records of a whole frame; undefined when a checksum, of the table or of a batch, is another's. */
export function decodeFrame(
  { crc32 }: LogSeal,
  header: FrameHeader,
  frame: Uint8Array,
): readonly LogRecord[] | undefined {
  const bodyOffset = FRAME_HEADER_BYTES + header.tableLength;
  const table = frame.subarray(FRAME_HEADER_BYTES, bodyOffset);
  if (frame.length < bodyOffset + header.bodyLength || crc32(table) !== header.tableChecksum) return undefined;
  const records = decodeRecords(table);
  let at = bodyOffset;
  for (const record of records ?? []) {
    if (record.kind !== 'entries' && record.kind !== 'moved') continue;
    if (crc32(frame.subarray(at, at + record.length)) !== record.checksum) return undefined;
    at += record.length;
  }
  return records;
}

/** Without the filling up to the next page. */
export function frameLength({ tableLength, bodyLength }: FrameHeader): number {
  return FRAME_HEADER_BYTES + tableLength + bodyLength;
}

export function toPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
