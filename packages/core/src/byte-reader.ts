import { ClusterError } from './cluster-error.ts';
import { FLOAT, HALVES, HIGH, INTEGER, LOW } from './halves.ts';

/** Before a text or bytes stands how many bytes they are: in so many bytes, or as a `number`. */
export type LengthForm = 'u8' | 'u16' | 'number';

/** Makes the error for what can't be read. */
export type UnsoundBytes = (flaw: string, cause?: unknown) => ClusterError;

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads what a `ByteWriter` wrote, from bytes that anybody may have made. Integers are big-endian; nothing is copied and
 * nothing is read beyond the end. What is cut off, beyond a bound or in a form that no writer uses is one error: `PROTOCOL`,
 * or what the constructor was given.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #what: string | UnsoundBytes;
  #at: number;

  /**
   * @param what is read, for messages; or what makes the error
   * @param begin of what is read, in `bytes`
   * @param end of what is read
   */
  constructor(what: string | UnsoundBytes, bytes: Uint8Array, begin: number = 0, end: number = bytes.length) {
    this.#what = what;
    this.#bytes = bytes;
    this.#at = begin;
    this.#end = Math.min(end, bytes.length);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** @param most larger ones are refused */
  u8(most?: number): number {
    const at = this.#at;
    if (at >= this.#end) throw this.#cutOff();
    const byte = this.#bytes[at] ?? 0;
    this.#at = at + 1;
    return most === undefined || byte <= most ? byte : this.#tooLarge(byte, most);
  }

  /** From 0 to 65,535, in 2 bytes. */
  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  /** From 0 to 2^32 - 1, in 4 bytes. */
  u32(): number {
    const at = this.#at;
    if (at + 4 > this.#end) throw this.#cutOff();
    this.#at = at + 4;
    return readU32(this.#bytes, at);
  }

  /**
   * A safe integer from 0, in 8 bytes.
   * @param most larger ones are refused
   */
  u53(most: number = Number.MAX_SAFE_INTEGER): number {
    const at = this.#take(8);
    const value = readU32(this.#bytes, at) * 2 ** 32 + readU32(this.#bytes, at + 4);
    return value <= most ? value : this.#tooLarge(value, most);
  }

  /** From 0 to 2^64 - 1, in 8 bytes. */
  u64(): bigint {
    this.#takeHalves();
    return INTEGER[0] ?? 0n;
  }

  /** A double, which may be NaN or infinite. */
  float64(): number {
    this.#takeHalves();
    return FLOAT[0] ?? 0;
  }

  /**
   * A safe integer from 0, in as few bytes as it takes: a value has one form only.
   * @param most larger ones are refused
   */
  number(most?: number): number {
    const at = this.#at;
    // Most are of one byte.
    const byte = at < this.#end ? (this.#bytes[at] ?? 0) : 0x80;
    if (byte < 0x80) this.#at = at + 1;
    const value = byte < 0x80 ? byte : this.#longNumber(at);
    return most === undefined || value <= most ? value : this.#tooLarge(value, most);
  }

  /** A number as above, but not 0. */
  positive(): number {
    const value = this.number();
    if (value === 0) throw this.unsound('a 0 where there can be none');
    return value;
  }

  /** A view of the next bytes. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /**
   * A view of bytes behind their length.
   * @param most longer ones are refused
   */
  sized(form: LengthForm = 'number', most?: number): Uint8Array {
    if (form === 'number') return this.bytes(this.number(most));
    const length = form === 'u8' ? this.u8() : this.u16();
    return this.bytes(most === undefined || length <= most ? length : this.#tooLarge(length, most));
  }

  /**
   * A text behind its length, in UTF-8 and nothing else.
   * @param mostBytes longer ones are refused
   */
  text(form: LengthForm = 'number', mostBytes?: number): string {
    const bytes = this.sized(form, mostBytes);
    try {
      return TEXT.decode(bytes);
    } catch (error) {
      throw this.unsound('a text that is not UTF-8', error);
    }
  }

  /** Refuses bytes that are left. */
  end(): void {
    if (this.left > 0) throw this.unsound(`${this.left} bytes too many`);
  }

  /** The error for what is wrong in another way. */
  unsound(flaw: string, cause?: unknown): ClusterError {
    const what = this.#what;
    return typeof what === 'string' ? new ClusterError('PROTOCOL', `${what}: ${flaw}`, { cause }) : what(flaw, cause);
  }

  /** Passes over so many bytes, all of which are there; where they begin. */
  #take(count: number): number {
    const at = this.#at;
    // Also for what is no count, that of NaN.
    if (!(count >= 0 && count <= this.#end - at)) throw this.#cutOff();
    this.#at = at + count;
    return at;
  }

  #takeHalves(): void {
    const at = this.#take(8);
    HALVES[HIGH] = readU32(this.#bytes, at);
    HALVES[LOW] = readU32(this.#bytes, at + 4);
  }

  #longNumber(begin: number): number {
    const bytes = this.#bytes;
    let at = begin;
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      if (at >= this.#end) throw this.#cutOff();
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (byte === 0 || value > Number.MAX_SAFE_INTEGER) break;
      this.#at = at;
      return value;
    }
    throw this.unsound('a number in it is none');
  }

  #cutOff(): ClusterError {
    return this.unsound('it is cut off');
  }

  #tooLarge(value: number, most: number): never {
    throw this.unsound(`${value} where ${most} is the most`);
  }
}

/** The big-endian integer of 4 bytes at `at`, all of which are there. */
export function readU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
