/** How the bytes behind the header are protected. */
export type Protection = 'checksum' | 'sealed';

/** What stands in clear before every datagram; it is authenticated with the rest. */
export interface DatagramHeader {
  readonly protection: Protection;
  /** Of the secret that it is sealed with; without secrets, of the cluster's name. */
  readonly keyId: number;
  /** Of whom it is for. */
  readonly receiver: number;
  /** Chosen at random by the sender, for one run. In hexadecimal. */
  readonly session: string;
  /** Counts from 1 within the session. */
  readonly counter: number;
}

/** `Qd`, version, protection, key id (4), receiver (4), session (8), counter (6). */
export const HEADER_BYTES = 26;
export const SESSION_BYTES = 8;
export const MAX_COUNTER: number = 2 ** 48 - 1;

const MAGIC = 0x51_64;
const VERSION = 1;
const PROTECTIONS: readonly Protection[] = ['checksum', 'sealed'];

export function writeHeader(into: Uint8Array, header: DatagramHeader): void {
  const view = viewOf(into);
  view.setUint16(0, MAGIC);
  view.setUint8(2, VERSION);
  view.setUint8(3, PROTECTIONS.indexOf(header.protection));
  view.setUint32(4, header.keyId);
  view.setUint32(8, header.receiver);
  for (let at = 0; at < SESSION_BYTES; at += 1) {
    view.setUint8(12 + at, Number.parseInt(header.session.slice(2 * at, 2 * at + 2), 16));
  }
  view.setUint16(20, Math.floor(header.counter / 2 ** 32));
  view.setUint32(22, header.counter % 2 ** 32);
}

export function readHeader(datagram: Uint8Array): DatagramHeader | 'not-ours' | 'version' {
  if (datagram.length < HEADER_BYTES) return 'not-ours';
  const view = viewOf(datagram);
  if (view.getUint16(0) !== MAGIC) return 'not-ours';
  const protection = PROTECTIONS[view.getUint8(3)];
  if (view.getUint8(2) !== VERSION || protection === undefined) return 'version';
  return {
    protection,
    keyId: view.getUint32(4),
    receiver: view.getUint32(8),
    session: toHex(datagram.subarray(12, 12 + SESSION_BYTES)),
    counter: view.getUint16(20) * 2 ** 32 + view.getUint32(22),
  };
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
