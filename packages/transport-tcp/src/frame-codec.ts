import { ByteWriter, ClusterError, readU32 } from '@quorate/core';
import { type Frame, type FrameOf, frameType, LENGTH_BYTES, MAGIC, MAX_DETAIL_BYTES } from './frame.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const NO_BYTES = new Uint8Array(0);

/** A frame on its way out: everything up to the payload, and the payload, which may be large and is not copied. */
export interface EncodedFrame {
  /** Length, type and fixed fields (and JSON). */
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** The bytes before the payload in a frame that carries one. */
export const MAX_PAYLOAD_HEAD_BYTES: number = LENGTH_BYTES + 1 + 4 + 2;

/** The frames that matter for speed: encoded in place, without an object of their own. */
export type PayloadFrame = FrameOf<'MESSAGE'> | FrameOf<'REQUEST'> | FrameOf<'RESPONSE'> | FrameOf<'STREAM_CHUNK'>;

/** What is known of such a frame before its payload. */
export type PayloadHead =
  | Omit<FrameOf<'MESSAGE'>, 'payload'>
  | Omit<FrameOf<'REQUEST'>, 'payload'>
  | Omit<FrameOf<'RESPONSE'>, 'payload'>
  | Omit<FrameOf<'STREAM_CHUNK'>, 'payload'>;

/** Writes what comes before the payload at `at`; returns where it ends. The room must be there. */
export function encodePayloadHead(frame: PayloadHead, payloadBytes: number, into: Uint8Array, at: number): number {
  const start = at + LENGTH_BYTES;
  into[start] = frameType[frame.type];
  let end = start + 1;
  if (frame.type !== 'MESSAGE') end = putU32(into, end, frame.id);
  if (frame.type === 'MESSAGE' || frame.type === 'REQUEST') end = putU16(into, end, frame.kind);
  putU32(into, at, end - start + payloadBytes);
  return end;
}

/** Encodes any frame but an unknown one. */
export function encodeFrame(frame: Exclude<Frame, { type: 'UNKNOWN' }>): EncodedFrame {
  if (!('payload' in frame)) return { head: encodeControl(frame), payload: NO_BYTES };
  const head = new Uint8Array(MAX_PAYLOAD_HEAD_BYTES);
  return { head: head.subarray(0, encodePayloadHead(frame, frame.payload.length, head, 0)), payload: frame.payload };
}

type ControlFrame = Exclude<Frame, PayloadFrame | { type: 'UNKNOWN' }>;

function encodeControl(frame: ControlFrame): Uint8Array {
  const writer = new ByteWriter().u32(0).u8(frameType[frame.type]);
  writeFields(writer, frame);
  return writer.u32At(0, writer.end - LENGTH_BYTES).copy();
}

function writeFields(writer: ByteWriter, frame: ControlFrame): ByteWriter {
  switch (frame.type) {
    case 'HELLO':
      return writer.u32(MAGIC).u16(frame.minVersion).u16(frame.maxVersion).bytes(json(frame.intro));
    case 'WELCOME':
      return writer.u32(MAGIC).u16(frame.version).bytes(json(frame.intro));
    case 'REFUSE':
      return writer.u32(MAGIC).u16(frame.maxVersion).bytes(json(frame.detail));
    case 'READY':
    case 'PING':
    case 'PONG':
      return writer;
    case 'AUTH':
    case 'GOODBYE':
    case 'IDENTITY':
    case 'DESCRIPTION':
      return writer.bytes(json(frame.detail));
    case 'ERROR':
    case 'STREAM_RESET':
      return writer.u32(frame.id).bytes(json(frame.detail));
    case 'CANCEL':
    case 'STREAM_END':
    case 'STREAM_ACK':
    case 'STREAM_ABORT':
      return writer.u32(frame.id);
    case 'STREAM_OPEN':
      return writer.u32(frame.id).u16(frame.kind);
    case 'STREAM_CREDIT':
      return writer.u32(frame.id).u32(frame.bytes);
  }
}

/**
 * Decodes what follows the length: type and body, at `start` to `end`. Payloads are views of `bytes`.
 * @throws ClusterError `PROTOCOL` when the body is too short, or its JSON doesn't parse or is too long
 */
export function decodeFrame(bytes: Uint8Array, start: number, end: number): Frame {
  const at = start + 1;
  const type: number = bytes[start] ?? 0;
  switch (type) {
    case frameType.MESSAGE:
      return { type: 'MESSAGE', kind: getU16(bytes, at, end), payload: bytes.subarray(at + 2, end) };
    case frameType.REQUEST:
      return {
        type: 'REQUEST',
        id: getU32(bytes, at, end),
        kind: getU16(bytes, at + 4, end),
        payload: bytes.subarray(at + 6, end),
      };
    case frameType.RESPONSE:
      return { type: 'RESPONSE', id: getU32(bytes, at, end), payload: bytes.subarray(at + 4, end) };
    case frameType.STREAM_CHUNK:
      return { type: 'STREAM_CHUNK', id: getU32(bytes, at, end), payload: bytes.subarray(at + 4, end) };
    default:
      return decodeControl(bytes, start, end);
  }
}

function decodeControl(bytes: Uint8Array, start: number, end: number): Frame {
  const at = start + 1;
  const type: number = bytes[start] ?? 0;
  switch (type) {
    case frameType.HELLO:
      checkMagic(bytes, at, end);
      return {
        type: 'HELLO',
        minVersion: getU16(bytes, at + 4, end),
        maxVersion: getU16(bytes, at + 6, end),
        intro: getJson(bytes, at + 8, end),
      };
    case frameType.WELCOME:
      checkMagic(bytes, at, end);
      return { type: 'WELCOME', version: getU16(bytes, at + 4, end), intro: getJson(bytes, at + 6, end) };
    case frameType.REFUSE:
      checkMagic(bytes, at, end);
      return { type: 'REFUSE', maxVersion: getU16(bytes, at + 4, end), detail: getDetail(bytes, at + 6, end) };
    case frameType.READY:
      return { type: 'READY' };
    case frameType.PING:
      return { type: 'PING' };
    case frameType.PONG:
      return { type: 'PONG' };
    case frameType.AUTH:
      return { type: 'AUTH', detail: getDetail(bytes, at, end) };
    case frameType.GOODBYE:
      return { type: 'GOODBYE', detail: getDetail(bytes, at, end) };
    case frameType.IDENTITY:
      return { type: 'IDENTITY', detail: getDetail(bytes, at, end) };
    case frameType.DESCRIPTION:
      return { type: 'DESCRIPTION', detail: getDetail(bytes, at, end) };
    default:
      return decodeWithId(bytes, start, end);
  }
}

function decodeWithId(bytes: Uint8Array, start: number, end: number): Frame {
  const at = start + 1;
  const type: number = bytes[start] ?? 0;
  switch (type) {
    case frameType.ERROR:
      return { type: 'ERROR', id: getU32(bytes, at, end), detail: getDetail(bytes, at + 4, end) };
    case frameType.CANCEL:
      return { type: 'CANCEL', id: getU32(bytes, at, end) };
    case frameType.STREAM_OPEN:
      return { type: 'STREAM_OPEN', id: getU32(bytes, at, end), kind: getU16(bytes, at + 4, end) };
    case frameType.STREAM_CREDIT:
      return { type: 'STREAM_CREDIT', id: getU32(bytes, at, end), bytes: getU32(bytes, at + 4, end) };
    case frameType.STREAM_END:
      return { type: 'STREAM_END', id: getU32(bytes, at, end) };
    case frameType.STREAM_ACK:
      return { type: 'STREAM_ACK', id: getU32(bytes, at, end) };
    case frameType.STREAM_RESET:
      return { type: 'STREAM_RESET', id: getU32(bytes, at, end), detail: getDetail(bytes, at + 4, end) };
    case frameType.STREAM_ABORT:
      return { type: 'STREAM_ABORT', id: getU32(bytes, at, end) };
    default:
      return { type: 'UNKNOWN', code: type, payload: bytes.subarray(at, end) };
  }
}

function getU32(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) throw tooShort();
  return readU32(bytes, at);
}

function getU16(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) throw tooShort();
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function getDetail(bytes: Uint8Array, at: number, end: number): unknown {
  if (end - at > MAX_DETAIL_BYTES) throw new ClusterError('PROTOCOL', `a frame has ${end - at} bytes of JSON`);
  return getJson(bytes, at, end);
}

function getJson(bytes: Uint8Array, at: number, end: number): unknown {
  if (at > end) throw tooShort();
  try {
    return JSON.parse(decoder.decode(bytes.subarray(at, end)));
  } catch (error) {
    throw new ClusterError('PROTOCOL', 'a frame has JSON that does not parse', { cause: error });
  }
}

function checkMagic(bytes: Uint8Array, at: number, end: number): void {
  if (getU32(bytes, at, end) !== MAGIC) throw new ClusterError('PROTOCOL', 'not the Quorate protocol');
}

function tooShort(): ClusterError {
  return new ClusterError('PROTOCOL', 'a frame is shorter than its fixed fields');
}

function json(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function putU16(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 8;
  into[at + 1] = value;
  return at + 2;
}

function putU32(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
  return at + 4;
}
