import type { MessageKind } from '@quorate/core';
import type { Frame } from './frame.ts';
import { encodeFrame, encodePayloadHead, MAX_PAYLOAD_HEAD_BYTES, type PayloadFrame } from './frame-codec.ts';

const SLAB_BYTES = 64 * 1024;
/** Payloads up to here lie beside their heads: one chunk for many frames makes one cheap system call. */
const SMALL_BYTES = 4096;

/**
 * Gathers the frames of one turn. Payloads are copied: their owner may change them right away. Small frames lie one
 * after the other in a slab, of which no byte is used twice: what has been handed out must not change.
 */
export class FrameBatch {
  #chunks: Uint8Array[] = [];
  #slab = new Uint8Array(0);
  /** The slab's bytes from `#start` to `#end` are gathered and not yet in `#chunks`. */
  #start = 0;
  #end = 0;
  #bytes = 0;

  /** Bytes gathered. */
  get bytes(): number {
    return this.#bytes;
  }

  add(frame: Exclude<Frame, { type: 'UNKNOWN' }>): void {
    if ('payload' in frame) {
      this.#addPayload(frame);
      return;
    }
    const { head } = encodeFrame(frame);
    this.#reserve(head.length);
    this.#slab.set(head, this.#end);
    this.#advance(this.#end + head.length);
  }

  /** What was gathered, in order; the batch is empty afterwards. */
  take(): readonly Uint8Array[] {
    this.#seal();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }

  /** Adds a message whose payload is these parts, which won't change any more: large ones are not copied. */
  addMessage(kind: MessageKind, parts: readonly Uint8Array[], bytes: number): void {
    this.#reserve(MAX_PAYLOAD_HEAD_BYTES);
    this.#advance(encodePayloadHead({ type: 'MESSAGE', kind }, bytes, this.#slab, this.#end));
    for (const part of parts) {
      if (part.length <= SMALL_BYTES) {
        this.#reserve(part.length);
        this.#slab.set(part, this.#end);
        this.#advance(this.#end + part.length);
      } else {
        this.#seal();
        this.#chunks.push(part);
        this.#bytes += part.length;
      }
    }
  }

  #addPayload(frame: PayloadFrame): void {
    const { payload } = frame;
    const small = payload.length <= SMALL_BYTES;
    this.#reserve(MAX_PAYLOAD_HEAD_BYTES + (small ? payload.length : 0));
    const end = encodePayloadHead(frame, payload.length, this.#slab, this.#end);
    if (small) {
      this.#slab.set(payload, end);
      this.#advance(end + payload.length);
      return;
    }
    this.#advance(end);
    this.#seal();
    this.#chunks.push(payload.slice());
    this.#bytes += payload.length;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    this.#seal();
    this.#slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
    this.#start = 0;
    this.#end = 0;
  }

  #advance(end: number): void {
    this.#bytes += end - this.#end;
    this.#end = end;
  }

  #seal(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
