/**
 * CRC-32 as zlib and Ethernet have it. With `previous`, that of what went before and `bytes` together.
 * `node:zlib` has a quicker one, which `System` may hand in; both give the same.
 */
export type Crc32 = (bytes: Uint8Array, previous?: number) => number;

/** CRC-32C of the bytes, in JavaScript; `previous` is that of what came before them. */
export function crc32(bytes: Uint8Array, previous: number = 0): number {
  let crc = ~previous;
  const end = bytes.length;
  let at = 0;
  for (; at + 4 <= end; at += 4) {
    const word = crc ^ (byteOf(bytes, at) | (byteOf(bytes, at + 1) << 8) | (byteOf(bytes, at + 2) << 16));
    const low = word ^ (byteOf(bytes, at + 3) << 24);
    crc =
      tableOf(768 + (low & 0xff)) ^
      tableOf(512 + ((low >>> 8) & 0xff)) ^
      tableOf(256 + ((low >>> 16) & 0xff)) ^
      tableOf(low >>> 24);
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ tableOf((crc ^ byteOf(bytes, at)) & 0xff);
  return ~crc >>> 0;
}

const POLYNOMIAL = 0xedb88320;

/** Of a byte, and of a byte with one, two and three zeros behind it: four bytes are taken in one step. */
const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    tables[byte] = remainder;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const shorter = tables[at - 256] ?? 0;
    tables[at] = (shorter >>> 8) ^ (tables[shorter & 0xff] ?? 0);
  }
  return tables;
}

function byteOf(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function tableOf(at: number): number {
  return TABLES[at] ?? 0;
}
