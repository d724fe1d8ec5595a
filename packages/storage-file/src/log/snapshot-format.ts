import { ClusterError, type Crc32, type DiskFile, type SnapshotInfo } from '@quorate/core';
import { getNumber, putNumber, viewOf } from './numbers.ts';

/** Content is kept in blocks of this size, each behind its checksum of 4 bytes, so that any part can be read alone. */
export const SNAPSHOT_BLOCK_BYTES: number = 64 * 1024;

const MAGIC = 0x51534e50;
const FORMAT_VERSION = 1;
const FIXED_BYTES = 48;

/** Where the content begins: behind the header. */
export function blockOffset(metadataLength: number): number {
  return FIXED_BYTES + metadataLength;
}

/** Group and index, so that names are in their order. */
export function snapshotFileName(group: number, index: number): string {
  return `${String(group).padStart(10, '0')}-${String(index).padStart(16, '0')}.snapshot`;
}

/** Undefined for a file that is no snapshot. */
export function snapshotName(fileName: string): { readonly group: number; readonly index: number } | undefined {
  const [, group, index] = /^(\d{10})-(\d{16})\.snapshot$/u.exec(fileName) ?? [];
  return group === undefined ? undefined : { group: Number(group), index: Number(index) };
}

export function encodeSnapshotHeader(group: number, info: SnapshotInfo, crc32: Crc32): Uint8Array {
  const header = new Uint8Array(FIXED_BYTES + info.metadata.length);
  const view = viewOf(header);
  view.setUint32(0, MAGIC);
  view.setUint32(4, FORMAT_VERSION);
  view.setUint32(8, group);
  putNumber(view, 12, info.index);
  putNumber(view, 20, info.term);
  putNumber(view, 28, info.size);
  view.setUint32(36, info.metadata.length);
  view.setUint32(40, crc32(info.metadata));
  view.setUint32(44, crc32(header.subarray(0, 44)));
  header.set(info.metadata, FIXED_BYTES);
  return header;
}

/**
 * Reads the header, and compares the size of the file with what it says.
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format, `IO`
 */
export async function readSnapshotHeader(
  path: string,
  file: DiskFile,
  crc32: Crc32,
): Promise<{ readonly info: SnapshotInfo; readonly contentOffset: number }> {
  const fixed = new Uint8Array(FIXED_BYTES);
  await file.read(fixed, 0);
  const view = viewOf(fixed);
  if (view.getUint32(0) !== MAGIC || view.getUint32(44) !== crc32(fixed.subarray(0, 44))) {
    throw new ClusterError('CORRUPT', `${path}: at offset 0: this is not how a snapshot begins`);
  }
  const version = view.getUint32(4);
  if (version !== FORMAT_VERSION)
    throw new ClusterError('UNSUPPORTED', `${path}: format ${version} is of a later release`);
  const metadata = new Uint8Array(view.getUint32(36));
  await file.read(metadata, FIXED_BYTES);
  if (crc32(metadata) !== view.getUint32(40)) {
    throw new ClusterError('CORRUPT', `${path}: at offset ${FIXED_BYTES}: the metadata is damaged`);
  }
  const size = getNumber(view, 28);
  const contentOffset = blockOffset(metadata.length);
  const expected = contentOffset + size + 4 * Math.ceil(size / SNAPSHOT_BLOCK_BYTES);
  const found = await file.size();
  if (found !== expected)
    throw new ClusterError('CORRUPT', `${path}: at offset ${found}: the file should end at ${expected}`);
  return { info: { index: getNumber(view, 12), term: getNumber(view, 20), metadata, size }, contentOffset };
}

/** Makes blocks of chunks of any size. */
export class SnapshotBlocks {
  readonly #crc32: Crc32;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /** The blocks that are full now. The chunk's bytes may change once all of them were taken. */
  *add(chunk: Uint8Array): Generator<readonly Uint8Array[]> {
    let at = 0;
    while (at < chunk.length) {
      const end = Math.min(chunk.length, at + SNAPSHOT_BLOCK_BYTES - this.#length);
      this.#parts.push(chunk.slice(at, end));
      this.#length += end - at;
      at = end;
      if (this.#length === SNAPSHOT_BLOCK_BYTES) yield this.#take();
    }
  }

  /** What is left, undefined when there is nothing. */
  last(): readonly Uint8Array[] | undefined {
    return this.#length === 0 ? undefined : this.#take();
  }

  #take(): readonly Uint8Array[] {
    let checksum = 0;
    for (const part of this.#parts) checksum = this.#crc32(part, checksum);
    const head = new Uint8Array(4);
    viewOf(head).setUint32(0, checksum);
    const block = [head, ...this.#parts];
    this.#parts = [];
    this.#length = 0;
    return block;
  }
}
