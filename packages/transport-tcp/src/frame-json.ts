import type { Frame } from './frame.ts';

const SHOWN_BYTES = 64;

/** A frame as JSON for people: the payload as its size and its first 64 bytes, as text or hexadecimal. */
export function frameToJson(frame: Frame): string {
  return JSON.stringify('payload' in frame ? { ...frame, payload: payloadView(frame.payload) } : frame);
}

function payloadView(payload: Uint8Array): object {
  const shown = payload.subarray(0, SHOWN_BYTES);
  const printable = shown.every((byte) => byte >= 0x20 && byte < 0x7f);
  const text = printable ? { text: String.fromCharCode(...shown) } : { hex: toHex(shown) };
  return { bytes: payload.length, ...text };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
