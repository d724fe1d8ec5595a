import { ClusterError } from '@quorate/core';

/** Numbers in big-endian order, and short texts behind their length. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#add(Uint8Array.of(value));
  }

  u32(value: number): this {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, Math.min(value, 0xffff_ffff));
    return this.#add(new Uint8Array(view.buffer));
  }

  u64(value: bigint): this {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, value);
    return this.#add(new Uint8Array(view.buffer));
  }

  /** At most 65,535 bytes. */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    return this.#add(Uint8Array.of(bytes.byteLength >> 8, bytes.byteLength & 0xff)).#add(bytes);
  }

  /** All, with these bytes last. */
  rest(bytes: Uint8Array = new Uint8Array()): Uint8Array {
    this.#add(bytes);
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

/** The reverse. @throws ClusterError `PROTOCOL` at the end of the bytes */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  text(): string {
    const length = this.#view.getUint16(this.#take(2));
    const from = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.#bytes.byteLength - this.#at));
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.byteLength) {
      throw new ClusterError('PROTOCOL', 'forwarding: bytes that end too early', { outcome: 'not-applied' });
    }
    this.#at += length;
    return from;
  }
}
