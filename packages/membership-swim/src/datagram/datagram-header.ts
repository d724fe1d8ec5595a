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

/** What is the same in all datagrams that a sender begins. */
export type OwnHeader = Pick<DatagramHeader, 'protection' | 'session'>;

/** `Qd`, version, protection, key id (4), receiver (4), session (8), counter (6). */
export const HEADER_BYTES = 26;
export const MAX_COUNTER: number = 2 ** 48 - 1;

const MAGIC = 0x51_64;
const VERSION = 1;
const PROTECTIONS: readonly Protection[] = ['checksum', 'sealed'];

/** A header to be completed for each datagram. */
export function beginHeader({ protection, session }: OwnHeader): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  view.setUint16(0, MAGIC);
  view.setUint8(2, VERSION);
  view.setUint8(3, PROTECTIONS.indexOf(protection));
  view.setUint32(12, Number.parseInt(session.slice(0, 8), 16));
  view.setUint32(16, Number.parseInt(session.slice(8), 16));
  return header;
}

/** Completes a copy of what `beginHeader` made, at the beginning of these bytes. */
export function completeHeader(
  into: Uint8Array,
  { keyId, receiver, counter }: Omit<DatagramHeader, keyof OwnHeader>,
): void {
  const view = viewOf(into);
  view.setUint32(4, keyId);
  view.setUint32(8, receiver);
  view.setUint16(20, Math.floor(counter / 2 ** 32));
  view.setUint32(22, counter % 2 ** 32);
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
    session: sessionName(view.getUint32(12), view.getUint32(16)),
    counter: view.getUint16(20) * 2 ** 32 + view.getUint32(22),
  };
}

/** A session of two random halves of 32 bits. */
export function sessionName(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
