import type { ByteReader } from '@quorate/core';

/** Reads a double. @throws the reader's error for what is no finite number */
export function readFloat(reader: ByteReader): number {
  const value = reader.float64();
  if (!Number.isFinite(value)) throw reader.unsound(`${value} where a finite number should be`);
  return value;
}
