import type { LengthForm } from './byte-reader.ts';
import type { ClusterError } from './cluster-error.ts';
import { FLOAT, HALVES, HIGH, INTEGER, LOW } from './halves.ts';
import { invalidOption } from './option-rules.ts';

/** The most bytes that `number` takes. */
export const MAX_NUMBER_BYTES = 8;

const DEFAULT_CAPACITY = 64;
/** Its length is a `number` of one byte. */
const MAX_SHORT_TEXT = 64;
const TEXT = new TextEncoder();

/**
 * Writes what a `ByteReader` reads: integers big-endian, one after the other, in a buffer that grows. What can't be
 * written in its form is refused as `INVALID_OPTIONS`, never cut down to what can; what was written before stays.
 */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #end = 0;

  /** @param capacity in bytes, at the beginning */
  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Where the next value goes. Set back, what comes is written over what was; set forward, what is there stays. */
  get end(): number {
    return this.#end;
  }

  set end(end: number) {
    this.reserve(end - this.#end);
    this.#end = end;
  }

  /** Makes room for so many bytes at once: for many values or long ones, it saves growing several times. */
  reserve(bytes: number): void {
    if (this.#end + bytes > this.#bytes.length) this.#grow(this.#end + bytes);
  }

  /** From 0 to 255, in 1 byte. */
  u8(value: number): this {
    if ((value & 0xff) !== value) throw unwritable('an integer from 0 to 255', value);
    const at = this.#end;
    if (at >= this.#bytes.length) this.#grow(at + 1);
    this.#bytes[at] = value;
    this.#end = at + 1;
    return this;
  }

  /** From 0 to 65,535, in 2 bytes. */
  u16(value: number): this {
    if ((value & 0xffff) !== value) throw unwritable('an integer from 0 to 65,535', value);
    this.reserve(2);
    this.#bytes[this.#end] = value >>> 8;
    this.#bytes[this.#end + 1] = value;
    this.#end += 2;
    return this;
  }

  /** From 0 to 2^32 - 1, in 4 bytes. */
  u32(value: number): this {
    if (value >>> 0 !== value) throw unwritable('an integer from 0 to 2^32 - 1', value);
    const at = this.#end;
    if (at + 4 > this.#bytes.length) this.#grow(at + 4);
    putU32(this.#bytes, at, value);
    this.#end = at + 4;
    return this;
  }

  /** A `u32` in place of one that was written, or in room that was left. */
  u32At(at: number, value: number): this {
    if (value >>> 0 !== value) throw unwritable('an integer from 0 to 2^32 - 1', value);
    if (!(at >= 0 && at + 4 <= this.#end)) throw unwritable(`a place from 0 to ${this.#end - 4}`, at);
    putU32(this.#bytes, at, value);
    return this;
  }

  /** A safe integer from 0, in 8 bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw unwritable('a safe integer from 0', value);
    return this.#halves(Math.floor(value / 2 ** 32), value >>> 0);
  }

  /** From 0 to 2^64 - 1, in 8 bytes. */
  u64(value: bigint): this {
    INTEGER[0] = value;
    if (INTEGER[0] !== value) throw unwritable('an integer from 0 to 2^64 - 1', value);
    return this.#halves(HALVES[HIGH] ?? 0, HALVES[LOW] ?? 0);
  }

  /** A double, of any value. */
  float64(value: number): this {
    FLOAT[0] = value;
    return this.#halves(HALVES[HIGH] ?? 0, HALVES[LOW] ?? 0);
  }

  /** A safe integer from 0 as unsigned LEB128: in groups of seven bits, the lowest first. */
  number(value: number): this {
    const at = this.#end;
    const bytes = this.#bytes;
    // Most are of one byte.
    if ((value & 0x7f) !== value || at >= bytes.length) return this.#anyNumber(value);
    bytes[at] = value;
    this.#end = at + 1;
    return this;
  }

  /** As they are: whoever reads them has to know how many. */
  bytes(bytes: Uint8Array): this {
    const end = this.#end + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, this.#end);
    this.#end = end;
    return this;
  }

  /** Bytes behind their length. */
  sized(bytes: Uint8Array, form: LengthForm = 'number'): this {
    const { length } = bytes;
    if (form === 'number') this.number(length);
    else if (form === 'u8') this.u8(length);
    else this.u16(length);
    return this.bytes(bytes);
  }

  /** A text in UTF-8, behind its length in bytes. Half of a surrogate pair, which has none, is read as U+FFFD. */
  text(value: string, form: LengthForm = 'number'): this {
    if (form === 'number' && value.length <= MAX_SHORT_TEXT && this.#shortText(value)) return this;
    return this.sized(TEXT.encode(value), form);
  }

  /** What lies there: a view, good until something is written. */
  view(begin: number = 0, end: number = this.#end): Uint8Array {
    return this.#bytes.subarray(begin, Math.min(end, this.#end));
  }

  /** What was written from there on, for the caller to keep. */
  copy(begin: number = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(begin, this.#end);
  }

  #anyNumber(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw unwritable('a safe integer from 0', value);
    let at = this.#end;
    // Exactly, near the end: whoever knew beforehand how much comes has no larger buffer made.
    if (at + MAX_NUMBER_BYTES > this.#bytes.length) this.reserve(numberBytes(value));
    const bytes = this.#bytes;
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
    return this;
  }

  /** Without a call into native code and an array, which cost more than the text does. False where it isn't ASCII. */
  #shortText(value: string): boolean {
    const at = this.#end;
    this.reserve(1 + value.length);
    const bytes = this.#bytes;
    for (let place = 0; place < value.length; place += 1) {
      const code = value.charCodeAt(place);
      if (code >= 0x80) return false;
      bytes[at + 1 + place] = code;
    }
    bytes[at] = value.length;
    this.#end = at + 1 + value.length;
    return true;
  }

  #halves(high: number, low: number): this {
    this.reserve(8);
    putU32(this.#bytes, this.#end, high);
    putU32(this.#bytes, this.#end + 4, low);
    this.#end += 8;
    return this;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

/** How many bytes `number` takes for it. */
export function numberBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count += 1;
  return count;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function unwritable(expected: string, value: unknown): ClusterError {
  return invalidOption('bytes', 'a value', expected, value);
}
