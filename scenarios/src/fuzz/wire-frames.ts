import { joined } from './mutations.ts';

/** As docs/wire-protocol.md has them: what a hostile program would be written from. */
export const wireType = {
  HELLO: 1,
  WELCOME: 2,
  READY: 3,
  MESSAGE: 16,
  REQUEST: 17,
  RESPONSE: 18,
  STREAM_CHUNK: 33,
} as const;

const MAGIC = 0x51554f52;
const LENGTH_BYTES = 4;
const FIRST_KIND_OF_USERS = 1024;
const FIRST_TYPE_AFTER_HANDSHAKE = 16;

/** Where the payload begins in what follows the length; undefined in a frame without one. */
const payloadAt: ReadonlyMap<number, number> = new Map([
  [wireType.MESSAGE, 3],
  [wireType.REQUEST, 7],
  [wireType.RESPONSE, 5],
  [wireType.STREAM_CHUNK, 5],
]);

/** A frame of the transport without its length: type and body. */
export type FrameBody = Uint8Array;

/** Behind its length. */
export function framed(body: FrameBody, length: number = body.length): Uint8Array {
  const head = new Uint8Array(LENGTH_BYTES);
  new DataView(head.buffer).setUint32(0, length);
  return joined([head, body]);
}

export function isOfHandshake(body: FrameBody): boolean {
  return (body[0] ?? 0) < FIRST_TYPE_AFTER_HANDSHAKE;
}

/** What tells frames apart that are about different things: type, kind, and how the payload begins if it is no user's. */
export function kindOf(body: FrameBody): string {
  const type = body[0] ?? 0;
  const at = type === wireType.MESSAGE ? 1 : 5;
  if (type !== wireType.MESSAGE && type !== wireType.REQUEST) return `${type}`;
  const kind = ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
  return kind < FIRST_KIND_OF_USERS ? `${type} ${kind} ${body.subarray(at + 2, at + 7).join()}` : `${type} ${kind}`;
}

/** What leads to the payload, and the payload; a frame that has none has its type before, and all else as payload. */
export function parted(body: FrameBody): readonly [head: Uint8Array, payload: Uint8Array] {
  const at = Math.min(body.length, payloadAt.get(body[0] ?? 0) ?? 1);
  return [body.subarray(0, at), body.subarray(at)];
}

/** A `HELLO` with this introduction, whatever it is. */
export function helloBody(intro: string, magic: number = MAGIC, min: number = 1, max: number = 1): FrameBody {
  const head = new Uint8Array(9);
  const view = new DataView(head.buffer);
  view.setUint8(0, wireType.HELLO);
  view.setUint32(1, magic);
  view.setUint16(5, min);
  view.setUint16(7, max);
  return joined([head, new TextEncoder().encode(intro)]);
}

/** What a node says of itself in `HELLO` or `WELCOME`; undefined for another frame. */
export function introductionIn(body: FrameBody): Readonly<Record<string, unknown>> | undefined {
  const at = body[0] === wireType.HELLO ? 9 : body[0] === wireType.WELCOME ? 7 : undefined;
  return at === undefined ? undefined : JSON.parse(new TextDecoder().decode(body.subarray(at)));
}

/** Cuts what a correct node sends into frames. */
export class FrameCutter {
  #rest = new Uint8Array(0);

  push(bytes: Uint8Array): readonly FrameBody[] {
    const all = joined([this.#rest, bytes]);
    const bodies: FrameBody[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + new DataView(all.buffer).getUint32(at);
      if (end > all.length) break;
      bodies.push(all.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#rest = all.slice(at);
    return bodies;
  }
}
