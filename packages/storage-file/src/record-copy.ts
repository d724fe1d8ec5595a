import { MAX_RECORD_BYTES } from '@quorate/core';
import { crc32c } from './crc32c.ts';

/**
 * One copy of a record, as it lies in its file. All numbers are big-endian.
 *
 *     0   4  magic "QREC"
 *     4   1  version of this format
 *     5   1  length of the name
 *     6   2  zero
 *     8   8  sequence: 1 for a record's first value, one more for each later one
 *    16   4  length of the value
 *    20      name, value
 *            CRC-32C of all before
 */
export interface RecordCopy {
  readonly sequence: number;
  readonly value: Uint8Array;
}

/** Why a copy cannot be used. */
export interface Damage {
  readonly damage: string;
  /** The checksum is right, but it was written by a later release. */
  readonly newer?: true;
}

const FORMAT_VERSION = 1;
const MAGIC = 0x51524543;
const HEADER_BYTES = 20;
const CHECKSUM_BYTES = 4;
const MAX_NAME_BYTES = 100;

/** No copy is larger. */
export const MAX_COPY_BYTES: number = HEADER_BYTES + MAX_NAME_BYTES + MAX_RECORD_BYTES + CHECKSUM_BYTES;

export function encodeCopy(name: string, { sequence, value }: RecordCopy): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  const end = HEADER_BYTES + nameBytes.length + value.length;
  const bytes = new Uint8Array(end + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, FORMAT_VERSION);
  view.setUint8(5, nameBytes.length);
  view.setBigUint64(8, BigInt(sequence));
  view.setUint32(16, value.length);
  bytes.set(nameBytes, HEADER_BYTES);
  bytes.set(value, HEADER_BYTES + nameBytes.length);
  view.setUint32(end, crc32c(bytes.subarray(0, end)));
  return bytes;
}

/** @param bytes from the beginning of the copy; they may go on behind it */
export function decodeCopy(name: string, bytes: Uint8Array): RecordCopy | Damage {
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) return { damage: `only ${bytes.length} bytes are left` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC) return { damage: 'it does not begin as a record does' };
  const valueStart = HEADER_BYTES + view.getUint8(5);
  const end = valueStart + view.getUint32(16);
  if (end + CHECKSUM_BYTES > bytes.length) return { damage: `it should have ${end + CHECKSUM_BYTES} bytes` };
  if (view.getUint32(end) !== crc32c(bytes.subarray(0, end))) return { damage: 'its checksum does not match' };
  const version = view.getUint8(4);
  if (version !== FORMAT_VERSION) return { damage: `it has version ${version} of the format`, newer: true };
  const storedName = new TextDecoder().decode(bytes.subarray(HEADER_BYTES, valueStart));
  if (storedName !== name) return { damage: `it belongs to the record ${JSON.stringify(storedName)}` };
  return { sequence: Number(view.getBigUint64(8)), value: bytes.slice(valueStart, end) };
}
