import { describe, expect, it } from 'vitest';
import type { Frame } from '../src/frame.ts';
import { decodeFrame, encodeFrame } from '../src/frame-codec.ts';

const intro = { name: 'č' };
const detail = { code: 'TIMEOUT' };
const payload = Uint8Array.of(0, 255);

/** What every release writes and reads, byte for byte. */
const golden: readonly (readonly [Exclude<Frame, { type: 'UNKNOWN' }>, hex: string])[] = [
  [{ type: 'HELLO', minVersion: 1, maxVersion: 258, intro }, '000000160151554f52000101027b226e616d65223a22c48d227d'],
  [{ type: 'WELCOME', version: 65_535, intro }, '000000140251554f52ffff7b226e616d65223a22c48d227d'],
  [{ type: 'REFUSE', maxVersion: 1, detail }, '000000190451554f5200017b22636f6465223a2254494d454f5554227d'],
  [{ type: 'READY' }, '0000000103'],
  [{ type: 'PING' }, '0000000106'],
  [{ type: 'PONG' }, '0000000107'],
  [{ type: 'AUTH', detail }, '00000013057b22636f6465223a2254494d454f5554227d'],
  [{ type: 'GOODBYE', detail }, '00000013087b22636f6465223a2254494d454f5554227d'],
  [{ type: 'IDENTITY', detail }, '00000013097b22636f6465223a2254494d454f5554227d'],
  [{ type: 'DESCRIPTION', detail }, '000000130a7b22636f6465223a2254494d454f5554227d'],
  [{ type: 'MESSAGE', kind: 1024, payload }, '0000000510040000ff'],
  [{ type: 'REQUEST', id: 0xcafe_f00d, kind: 1, payload }, '0000000911cafef00d000100ff'],
  [{ type: 'RESPONSE', id: 2, payload }, '00000007120000000200ff'],
  [{ type: 'ERROR', id: 0xffff_ffff, detail }, '0000001713ffffffff7b22636f6465223a2254494d454f5554227d'],
  [{ type: 'CANCEL', id: 3 }, '000000051400000003'],
  [{ type: 'STREAM_OPEN', id: 4, kind: 65_535 }, '000000072000000004ffff'],
  [{ type: 'STREAM_CHUNK', id: 5, payload }, '00000007210000000500ff'],
  [{ type: 'STREAM_CREDIT', id: 6, bytes: 65_536 }, '00000009220000000600010000'],
  [{ type: 'STREAM_END', id: 7 }, '000000052300000007'],
  [{ type: 'STREAM_ACK', id: 8 }, '000000052400000008'],
  [{ type: 'STREAM_RESET', id: 9, detail }, '0000001725000000097b22636f6465223a2254494d454f5554227d'],
  [{ type: 'STREAM_ABORT', id: 10 }, '00000005260000000a'],
];

describe('frames', () => {
  it.each(golden)('are written and read as ever: %o', (frame, hex) => {
    const { head, payload: behind } = encodeFrame(frame);
    const bytes = Buffer.concat([head, behind]);
    expect(bytes.toString('hex')).toBe(hex.replaceAll(/\s/gu, ''));
    expect(decodeFrame(Uint8Array.from(bytes), 4, bytes.length)).toEqual(frame);
  });
});
