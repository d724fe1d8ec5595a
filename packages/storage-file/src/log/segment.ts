import { ClusterError, type Crc32, type DiskFile } from '@quorate/core';
import { PAGE_BYTES } from './frame.ts';
import { getNumber, putNumber, viewOf } from './numbers.ts';

const MAGIC = 0x51534547;
const FORMAT_VERSION = 1;
const HEADER_BYTES = 40;
const CHECKSUM_OFFSET: number = HEADER_BYTES - 4;

/** A file of the log, made in its full size. Its first page says which it is; frames follow. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly file: DiskFile;
  readonly size: number;
  /** Of batches that are still needed. */
  liveBytes: number;
  /** Reads under way: it must not be written again meanwhile. */
  reads: number;
}

export function segmentFileName(number: number): string {
  return `${String(number).padStart(10, '0')}.segment`;
}

/** Undefined for a file that is no segment. */
export function segmentNumber(fileName: string): number | undefined {
  const digits = /^(\d{10})\.segment$/u.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The first page of a segment. */
export function encodeSegmentHeader(logId: Uint8Array, number: number, size: number, crc32: Crc32): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  const view = viewOf(page);
  view.setUint32(0, MAGIC);
  view.setUint32(4, FORMAT_VERSION);
  page.set(logId, 8);
  putNumber(view, 16, number);
  putNumber(view, 24, size);
  view.setUint32(CHECKSUM_OFFSET, crc32(page.subarray(0, CHECKSUM_OFFSET)));
  return page;
}

/**
 * The id of the log that a segment belongs to.
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format
 */
export async function readSegmentHeader(segment: Segment, crc32: Crc32): Promise<Uint8Array> {
  const page = new Uint8Array(HEADER_BYTES);
  const length = await segment.file.read(page, 0);
  const view = viewOf(page);
  const isWhole = view.getUint32(CHECKSUM_OFFSET) === crc32(page.subarray(0, CHECKSUM_OFFSET));
  if (length < HEADER_BYTES || view.getUint32(0) !== MAGIC || !isWhole) {
    throw new ClusterError('CORRUPT', `${segment.path}: at offset 0: this is not how a segment begins`);
  }
  const version = view.getUint32(4);
  if (version !== FORMAT_VERSION) {
    throw new ClusterError('UNSUPPORTED', `${segment.path}: format ${version} is of a later release`);
  }
  if (getNumber(view, 16) !== segment.number) {
    throw new ClusterError('CORRUPT', `${segment.path}: at offset 16: this is segment ${getNumber(view, 16)}`);
  }
  const size = getNumber(view, 24);
  if (segment.size !== size) {
    throw new ClusterError('CORRUPT', `${segment.path}: at offset ${segment.size}: the file should end at ${size}`);
  }
  return page.slice(8, 16);
}
