import type { MessageKind } from '@quorate/core';

/** The version of the protocol that is spoken, and the oldest that is still understood. */
export const PROTOCOL_VERSION = 2;
export const OLDEST_PROTOCOL_VERSION = 1;
/** The first in which who dials may be a client: to an older node it would be a peer. */
export const CLIENT_PROTOCOL_VERSION = 2;

/** Opens the handshake's frames: `QUOR`. */
export const MAGIC = 0x51554f52;

/** The bytes of the length before each frame. */
export const LENGTH_BYTES = 4;
/** The largest frame before the handshake is over. */
export const MAX_HANDSHAKE_BYTES: number = 16 * 1024;
/** The largest JSON in a frame that is not one of the handshake. */
export const MAX_DETAIL_BYTES: number = 8 * 1024;
/** The most a frame has besides its payload: length, type, id, kind. */
export const FRAME_OVERHEAD_BYTES = 16;

/** What a chunk of a stream costs beyond its payload, in credit: tiny chunks must not be free to hold. */
export const CHUNK_COST_BYTES = 64;

/** As on the wire; see docs/wire-protocol.md. */
export const frameType = {
  HELLO: 1,
  WELCOME: 2,
  READY: 3,
  REFUSE: 4,
  AUTH: 5,
  PING: 6,
  PONG: 7,
  GOODBYE: 8,
  IDENTITY: 9,
  DESCRIPTION: 10,
  MESSAGE: 16,
  REQUEST: 17,
  RESPONSE: 18,
  ERROR: 19,
  CANCEL: 20,
  STREAM_OPEN: 32,
  STREAM_CHUNK: 33,
  STREAM_CREDIT: 34,
  STREAM_END: 35,
  STREAM_ACK: 36,
  STREAM_RESET: 37,
  STREAM_ABORT: 38,
} as const;

/** A field that is JSON on the wire, and not yet checked. */
type Json = unknown;

interface Identified {
  readonly id: number;
}

interface WithPayload {
  readonly payload: Uint8Array;
}

interface WithKind {
  readonly kind: MessageKind;
}

interface WithDetail {
  readonly detail: Json;
}

interface FrameFields {
  HELLO: { readonly minVersion: number; readonly maxVersion: number; readonly intro: Json };
  WELCOME: { readonly version: number; readonly intro: Json };
  READY: unknown;
  REFUSE: { readonly maxVersion: number } & WithDetail;
  AUTH: WithDetail;
  PING: unknown;
  PONG: unknown;
  GOODBYE: WithDetail;
  IDENTITY: WithDetail;
  DESCRIPTION: WithDetail;
  MESSAGE: WithKind & WithPayload;
  REQUEST: Identified & WithKind & WithPayload;
  RESPONSE: Identified & WithPayload;
  ERROR: Identified & WithDetail;
  CANCEL: Identified;
  STREAM_OPEN: Identified & WithKind;
  STREAM_CHUNK: Identified & WithPayload;
  STREAM_CREDIT: Identified & { readonly bytes: number };
  STREAM_END: Identified;
  STREAM_ACK: Identified;
  STREAM_RESET: Identified & WithDetail;
  STREAM_ABORT: Identified;
  /** Of a type that this version doesn't know. */
  UNKNOWN: { readonly code: number } & WithPayload;
}

export type FrameOf<T extends keyof FrameFields> = { readonly type: T } & FrameFields[T];

/** A frame, as an object. Payloads are views of what was received. */
export type Frame = { [T in keyof FrameFields]: FrameOf<T> }[keyof FrameFields];
