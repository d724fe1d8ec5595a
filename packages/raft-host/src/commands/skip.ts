import { ClusterError, isClusterError } from '@quorate/core';
import { ByteReader } from '../wire/byte-reader.ts';
import { ByteWriter, MAX_NUMBER_BYTES } from '../wire/byte-writer.ts';
import { SKIP_FORMAT } from './entry-data.ts';

/** The command at this place of this entry is not to be applied: a state machine failed at it. */
export interface Skip {
  readonly index: number;
  /** Within its batch, from 0. */
  readonly place: number;
}

export function isSkip(data: Uint8Array): boolean {
  return data[0] === SKIP_FORMAT;
}

/** The data of an entry that says so. */
export function encodeSkip({ index, place }: Skip): Uint8Array {
  const writer = new ByteWriter(1 + 2 * MAX_NUMBER_BYTES);
  writer.u8(SKIP_FORMAT);
  writer.number(index);
  writer.number(place);
  return writer.view(0);
}

/** @throws ClusterError `CORRUPT` */
export function decodeSkip(data: Uint8Array): Skip {
  try {
    const reader = new ByteReader('skip', data);
    if (reader.u8() !== SKIP_FORMAT) throw reader.unsound('it is another kind of entry');
    const skip = { index: reader.positive(), place: reader.number() };
    if (reader.left > 0) throw reader.unsound(`${reader.left} bytes too many`);
    return skip;
  } catch (error) {
    if (!isClusterError(error, 'PROTOCOL')) throw error;
    throw new ClusterError('CORRUPT', error.message, { cause: error });
  }
}
