import { crc32 } from '@quorate/core';

/** Where a message has a checksum, and of what. */
interface Layout {
  readonly at: number;
  /** What it covers; undefined when the message is too short for it. */
  covered(bytes: Uint8Array): Uint8Array | undefined;
}

const layouts: readonly Layout[] = [
  // Of the heads in a frame of Raft's messages.
  { at: 1, covered: (bytes) => (bytes.length < 9 ? undefined : upTo(bytes, 5, 9 + u32(bytes, 5))) },
  // Of a snapshot that is offered.
  { at: 2, covered: (bytes) => (bytes.length < 6 ? undefined : bytes.subarray(6)) },
];

/** What a liar would send: where the original had a checksum that was right, the altered message has one, too. */
export function withChecksum(original: Uint8Array, altered: Uint8Array): Uint8Array {
  const layout = layouts.find((each) => isRight(each, original));
  const covered = layout?.covered(altered);
  if (layout === undefined || covered === undefined) return altered;
  const fitted = altered.slice();
  new DataView(fitted.buffer).setUint32(layout.at, crc32(covered));
  return fitted;
}

/** The same for a datagram with its checksum at the end. */
export function withTrailingChecksum(altered: Uint8Array): Uint8Array {
  const end = altered.length - 4;
  if (end < 0) return altered;
  const fitted = altered.slice();
  new DataView(fitted.buffer).setUint32(end, crc32(altered.subarray(0, end)));
  return fitted;
}

function isRight(layout: Layout, bytes: Uint8Array): boolean {
  const content = layout.covered(bytes);
  return content !== undefined && crc32(content) === u32(bytes, layout.at);
}

function upTo(bytes: Uint8Array, from: number, to: number): Uint8Array | undefined {
  return to > bytes.length ? undefined : bytes.subarray(from, to);
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
