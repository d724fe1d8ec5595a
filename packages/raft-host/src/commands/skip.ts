import { ByteReader, ByteWriter, MAX_NUMBER_BYTES } from '@quorate/core';
import { corrupt } from './corrupt.ts';
import { SKIP_FORMAT } from './entry-data.ts';

/** Where a command stands in the log. */
export interface CommandPosition {
  /** Of its entry. */
  readonly index: number;
  /** Within its batch, from 0. */
  readonly place: number;
}

export function isSkip(data: Uint8Array): boolean {
  return data[0] === SKIP_FORMAT;
}

/**
 * The data of an entry that says: this command is not to be applied. To be proposed only by a leader whose own machine is
 * halted at that very command (see `Applier`).
 */
export function encodeSkip({ index, place }: CommandPosition): Uint8Array {
  const writer = new ByteWriter(1 + 2 * MAX_NUMBER_BYTES);
  return writer.u8(SKIP_FORMAT).number(index).number(place).view();
}

/**
 * Which command is to be skipped.
 * @throws ClusterError `CORRUPT`
 */
export function decodeSkip(data: Uint8Array): CommandPosition {
  const reader = new ByteReader(corrupt('skip'), data);
  if (reader.u8() !== SKIP_FORMAT) throw reader.unsound('it is another kind of entry');
  const position = { index: reader.positive(), place: reader.number() };
  reader.end();
  return position;
}
