import { ClusterError } from '@quorate/core';

/** What each node tells every other about itself, when it changes and when they meet. */
export interface Announcement {
  /** Whether it stands for election: leadership can be handed to it. */
  readonly stands: boolean;
  /** Of the grant that it holds; 0 for none. */
  readonly token: number;
  /** Grows with each that a node sends in one run: messages can overtake each other. */
  readonly sequence: number;
}

/** Version (1 byte), whether it stands (1), token and sequence (8 each). */
const BYTES = 18;
const VERSION = 1;

export function encodeAnnouncement({ stands, token, sequence }: Announcement): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  bytes[0] = VERSION;
  bytes[1] = stands ? 1 : 0;
  const view = new DataView(bytes.buffer);
  view.setFloat64(2, token);
  view.setFloat64(10, sequence);
  return bytes;
}

/** @throws ClusterError `PROTOCOL` */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.length !== BYTES || bytes[0] !== VERSION)
    throw new ClusterError('PROTOCOL', "an announcement can't be read");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [token, sequence] = [view.getFloat64(2), view.getFloat64(10)];
  if (![token, sequence].every((each) => Number.isSafeInteger(each) && each >= 0)) {
    throw new ClusterError('PROTOCOL', `an announcement of token ${token}, the ${sequence}th`);
  }
  return { stands: bytes[1] === 1, token, sequence };
}
