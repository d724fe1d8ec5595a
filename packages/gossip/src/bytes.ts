import { ClusterError } from '@quorate/core';

/** Numbers in big-endian order, and texts and bytes behind their length. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#add(Uint8Array.of(value));
  }

  u16(value: number): this {
    return this.#add(Uint8Array.of(value >> 8, value & 0xff));
  }

  /** A whole number from 0 to 2^53 - 1, in 8 bytes. */
  u53(value: number): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigUint64(0, BigInt(value));
    return this.#add(part);
  }

  /** At most 255 bytes of UTF-8. */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    return this.u8(bytes.byteLength).#add(bytes);
  }

  /** At most 65,535. */
  bytes(value: Uint8Array): this {
    return this.u16(value.byteLength).#add(value);
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    return this;
  }
}

/** The reverse. @throws ClusterError `PROTOCOL` where the bytes end too early or a value is out of its range */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  /** @param max larger ones are refused */
  u53(max: number): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(max)) throw unsound(`${value} is larger than ${max}`);
    return Number(value);
  }

  text(maxBytes: number): string {
    const length = this.u8();
    if (length > maxBytes) throw unsound(`a text has ${length} bytes`);
    const from = this.#take(length);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#bytes.subarray(from, from + length));
  }

  /** A view of what is read. */
  bytes(): Uint8Array {
    const length = this.u16();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.byteLength) throw unsound('it ends too early');
    this.#at += length;
    return from;
  }
}

export function unsound(why: string): ClusterError {
  return new ClusterError('PROTOCOL', `gossip: ${why}`);
}

/** Which of two comes first, byte by byte; what is a beginning of the other does. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.byteLength, b.byteLength);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.byteLength - b.byteLength;
}
