import { ClusterError, isClusterError } from '@quorate/core';
import { ByteReader } from '../wire/byte-reader.ts';
import { ByteWriter, MAX_NUMBER_BYTES } from '../wire/byte-writer.ts';
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
  writer.u8(SKIP_FORMAT);
  writer.number(index);
  writer.number(place);
  return writer.view(0);
}

/**
 * Which command is to be skipped.
 * @throws ClusterError `CORRUPT`
 */
export function decodeSkip(data: Uint8Array): CommandPosition {
  try {
    const reader = new ByteReader('skip', data);
    if (reader.u8() !== SKIP_FORMAT) throw reader.unsound('it is another kind of entry');
    const position = { index: reader.positive(), place: reader.number() };
    if (reader.left > 0) throw reader.unsound(`${reader.left} bytes too many`);
    return position;
  } catch (error) {
    if (!isClusterError(error, 'PROTOCOL')) throw error;
    throw new ClusterError('CORRUPT', error.message, { cause: error });
  }
}
