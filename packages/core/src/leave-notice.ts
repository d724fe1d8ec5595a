import { ClusterError } from './cluster-error.ts';

/** Of connection-membership's requests: version, what it is, and whose incarnation. */
const VERSION = 1;
const LEAVE = 1;
const BYTES = 10;

/** What a node says that leaves: its incarnation, so that it can't be taken for one that came back. */
export function encodeLeaveNotice(incarnation: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  bytes.set([VERSION, LEAVE]);
  new DataView(bytes.buffer).setBigUint64(2, BigInt(incarnation));
  return bytes;
}

/**
 * The incarnation that leaves.
 * @throws ClusterError `PROTOCOL`
 */
export function decodeLeaveNotice(bytes: Uint8Array): number {
  if (bytes.length !== BYTES || bytes[0] !== VERSION || bytes[1] !== LEAVE) {
    throw new ClusterError('PROTOCOL', 'connection-membership: a request that is none of this version');
  }
  return Number(new DataView(bytes.buffer, bytes.byteOffset, BYTES).getBigUint64(2));
}
