import { invalidOption } from '@quorate/core';

/** The most bytes that `number` takes. */
export const MAX_NUMBER_BYTES = 8;

/**
 * Bytes one after the other in a buffer that grows. Room is made by `reserve`, once for many values; the rest writes
 * without looking.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #end = 0;

  /** @param capacity in bytes, at the beginning */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Where the next value goes. Setting it back forgets what was written from there on. */
  get end(): number {
    return this.#end;
  }

  set end(end: number) {
    this.#end = end;
  }

  /** Makes sure that so many bytes can be written. */
  reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }

  u8(value: number): void {
    this.#bytes[this.#end] = value;
    this.#end += 1;
  }

  u32(value: number): void {
    this.u32At(this.#end, value);
    this.#end += 4;
  }

  /** In a place that was passed over. */
  u32At(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /**
   * As unsigned LEB128.
   * @throws ClusterError `INVALID_OPTIONS` for what is no safe integer from 0
   */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw invalidOption('message', 'a number', 'a safe integer from 0', value);
    const bytes = this.#bytes;
    let at = this.#end;
    let left = value;
    // Bit operations are of 32 bits.
    for (; left >= 2 ** 31; left = Math.floor(left / 128)) {
      bytes[at] = (left % 128) | 0x80;
      at += 1;
    }
    for (; left >= 0x80; left >>>= 7) {
      bytes[at] = left | 0x80;
      at += 1;
    }
    bytes[at] = left;
    this.#end = at + 1;
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** What lies there: a view, good until something is written. */
  view(begin: number, end: number = this.#end): Uint8Array {
    return this.#bytes.subarray(begin, end);
  }
}
