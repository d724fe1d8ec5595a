import type { ByteReader } from '../wire/byte-reader.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';

/** Writes a 64-bit float, big-endian, for which room was reserved. */
export function writeFloat(writer: ByteWriter, value: number): void {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  writer.u32(view.getUint32(0));
  writer.u32(view.getUint32(4));
}

/** @throws ClusterError `PROTOCOL` for what is no finite number */
export function readFloat(reader: ByteReader): number {
  const bytes = reader.bytes(8);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
  if (!Number.isFinite(value)) throw reader.unsound(`${value} where a finite number should be`);
  return value;
}
