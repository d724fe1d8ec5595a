import { ClusterError, readU32 } from '@quorate/core';
import type { Frame } from './frame.ts';
import { LENGTH_BYTES } from './frame.ts';
import { decodeFrame } from './frame-codec.ts';

const NO_BYTES = new Uint8Array(0);
const FIRST_ROOM_BYTES = 4096;

/**
 * Cuts a stream of bytes into frames. A frame that lies in one chunk is a view of that chunk; one that spans several is
 * gathered in a buffer that grows with what has arrived, never with what was announced.
 */
export class FrameDecoder {
  /** The largest length accepted; may be changed between frames. */
  limit: number;
  readonly #onFrame: (frame: Frame) => boolean;
  /** The begun frame with its length, in `#partial` up to `#filled`. */
  #partial: Uint8Array = NO_BYTES;
  #filled = 0;

  /** @param onFrame called for each frame in order; returns false to have the rest left alone */
  constructor(limit: number, onFrame: (frame: Frame) => boolean) {
    this.limit = limit;
    this.#onFrame = onFrame;
  }

  /** Bytes of a frame that has begun and not ended. */
  get pendingBytes(): number {
    return this.#filled;
  }

  /**
   * @returns how much of the chunk was taken: all of it, or up to the end of the frame after which `onFrame` returned false
   * @throws ClusterError `PROTOCOL`; then nothing more is to be pushed
   */
  push(chunk: Uint8Array): number {
    let at = this.#filled === 0 ? 0 : this.#complete(chunk);
    while (at >= 0 && chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#lengthAt(chunk, at);
      if (end > chunk.length) break;
      at = this.#onFrame(decodeFrame(chunk, at + LENGTH_BYTES, end)) ? end : ~end;
    }
    if (at < 0) return ~at;
    if (at < chunk.length) this.#take(chunk, at, chunk.length);
    return chunk.length;
  }

  /** Adds to the begun frame. Returns where the next begins, or its complement when the rest is to be left alone. */
  #complete(chunk: Uint8Array): number {
    let at = 0;
    if (this.#filled < LENGTH_BYTES) {
      at = Math.min(chunk.length, LENGTH_BYTES - this.#filled);
      this.#take(chunk, 0, at);
      if (this.#filled < LENGTH_BYTES) return at;
    }
    const total = LENGTH_BYTES + this.#lengthAt(this.#partial, 0);
    const end = Math.min(chunk.length, at + total - this.#filled);
    this.#take(chunk, at, end, total);
    if (this.#filled < total) return end;
    const bytes = this.#partial;
    this.#partial = NO_BYTES;
    this.#filled = 0;
    return this.#onFrame(decodeFrame(bytes, LENGTH_BYTES, total)) ? end : ~end;
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at);
    if (length >= 1 && length <= this.limit) return length;
    // A record of TLS begins with its type, alert or handshake, and the version 3.x.
    if (length >>> 16 === 0x1503 || length >>> 16 === 0x1603) {
      throw new ClusterError('PROTOCOL', 'the other side speaks TLS, and this one has no secret and no certificates');
    }
    throw new ClusterError('PROTOCOL', `a frame of ${length} bytes where 1 to ${this.limit} are allowed`);
  }

  #take(chunk: Uint8Array, from: number, to: number, total: number = FIRST_ROOM_BYTES): void {
    const needed = this.#filled + to - from;
    if (needed > this.#partial.length) {
      // Doubling keeps the copying linear; `total` caps it when it is known.
      const room = Math.max(needed, Math.min(total, Math.max(FIRST_ROOM_BYTES, 2 * this.#partial.length)));
      const grown = new Uint8Array(room);
      grown.set(this.#partial.subarray(0, this.#filled));
      this.#partial = grown;
    }
    this.#partial.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), this.#filled);
    this.#filled = needed;
  }
}
