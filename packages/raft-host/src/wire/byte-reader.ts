import { ClusterError } from '@quorate/core';

/** Reads what a `ByteWriter` wrote, from bytes that anybody may have made. Everything throws `PROTOCOL` at their end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #what: string;
  #at: number;

  /** @param what is read, for messages */
  constructor(what: string, bytes: Uint8Array, begin: number = 0, end: number = bytes.length) {
    this.#what = what;
    this.#bytes = bytes;
    this.#at = begin;
    this.#end = end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    if (this.#at >= this.#end) throw this.unsound('it is cut off');
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  u32(): number {
    const at = this.#at;
    if (at + 4 > this.#end) throw this.unsound('it is cut off');
    this.#at = at + 4;
    return readU32(this.#bytes, at);
  }

  /** A safe integer from 0, in as few bytes as it takes: a value has one form only. */
  number(): number {
    const byte = this.u8();
    return byte < 0x80 ? byte : this.#longNumber(byte - 0x80);
  }

  /** A number as above, but not 0. */
  positive(): number {
    const value = this.number();
    if (value === 0) throw this.unsound('a 0 where there can be none');
    return value;
  }

  /** A view of the next bytes. */
  bytes(count: number): Uint8Array {
    const at = this.#at;
    if (count > this.#end - at) throw this.unsound('it is cut off');
    this.#at = at + count;
    return this.#bytes.subarray(at, at + count);
  }

  unsound(flaw: string, cause?: unknown): ClusterError {
    return new ClusterError('PROTOCOL', `${this.#what}: ${flaw}`, { cause });
  }

  #longNumber(low: number): number {
    let value = low;
    for (let scale = 2 ** 7; scale <= 2 ** 49; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (byte === 0 || !Number.isSafeInteger(value)) break;
      return value;
    }
    throw this.unsound('a number in it is none');
  }
}

/** The big-endian integer at `at`, all of whose bytes are there. */
export function readU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
