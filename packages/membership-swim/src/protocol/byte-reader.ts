const MAX_INTEGER_BYTES = 8;
const TEXT = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads what a stranger may have written. It never throws: what isn't there reads as nothing, and `failed` stays true from
 * then on.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) return this.#fail(0);
    this.#at += 1;
    return value;
  }

  integer(most: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_INTEGER_BYTES; count += 1) {
      const part = this.byte();
      value += (part & 0x7f) * factor;
      if (part < 0x80) return value <= most ? value : this.#fail(0);
      factor *= 0x80;
    }
    return this.#fail(0);
  }

  double(): number {
    const bytes = this.raw(8);
    if (bytes.byteLength < 8) return 0;
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
  }

  text(maxBytes: number): string {
    const bytes = this.sized(maxBytes);
    try {
      return TEXT.decode(bytes);
    } catch {
      return this.#fail('');
    }
  }

  /** Bytes after their number; a view of what is read from. */
  sized(maxBytes: number): Uint8Array {
    const length = this.integer();
    return length > maxBytes ? this.#fail(new Uint8Array()) : this.raw(length);
  }

  raw(length: number): Uint8Array {
    if (this.#failed || length > this.left) return this.#fail(new Uint8Array());
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #fail<T>(nothing: T): T {
    this.#failed = true;
    return nothing;
  }
}
