import { ClusterError } from '../cluster-error.ts';

export const derTag = { INTEGER: 0x02, SEQUENCE: 0x30, VERSION: 0xa0 } as const;

/** One element of DER (ITU-T X.690), without a copy: its content is `bytes` from `start` to `end`. */
export interface DerElement {
  readonly tag: number;
  /** All of it, tag and length included. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/**
 * The elements that follow each other in these bytes.
 * @throws ClusterError `CORRUPT`
 */
export function readDer(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, length } = readLength(bytes, at + 1);
    const end = start + length;
    if (end > bytes.length) throw damaged();
    elements.push({ tag: bytes[at] ?? 0, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) });
    at = end;
  }
  return elements;
}

/** Definite lengths only: DER has no others. */
function readLength(bytes: Uint8Array, at: number): { readonly start: number; readonly length: number } {
  const first = bytes[at];
  if (first === undefined) throw damaged();
  if (first < 0x80) return { start: at + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) throw damaged();
  const length = bytes.subarray(at + 1, at + 1 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return { start: at + 1 + count, length };
}

function damaged(): ClusterError {
  return new ClusterError('CORRUPT', 'what should be DER is none');
}
