const FIRST_BYTES = 4_096;
/** What a rare big value needed is not kept for ever. */
const KEPT_BYTES = 1_048_576;
const LONG_TEXT = 64;

/** Bytes that grow as they are written. To be used again and again: `take` begins anew. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  /** A safe integer from 0. */
  number(value: number): void {
    this.#reserve(8);
    let left = value;
    while (left >= 0x80) {
      this.#bytes[this.#at] = (left % 0x80) + 0x80;
      this.#at += 1;
      left = Math.floor(left / 0x80);
    }
    this.#bytes[this.#at] = left;
    this.#at += 1;
  }

  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** A text each of whose characters is a byte. */
  latin1(value: string): void {
    this.number(value.length);
    this.#reserve(value.length);
    this.#bytes.write(value, this.#at, value.length, 'latin1');
    this.#at += value.length;
  }

  text(value: string): void {
    if (value.length < LONG_TEXT && this.#shortAscii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.number(bytes);
    this.#reserve(bytes);
    this.#bytes.write(value, this.#at, bytes, 'utf8');
    this.#at += bytes;
  }

  /** What was written, in bytes of its own. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.#at);
    taken.set(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return taken;
  }

  /** Without a call into native code, which costs more than the text does. */
  #shortAscii(value: string): boolean {
    this.#reserve(value.length + 1);
    const at = this.#at;
    this.#bytes[at] = value.length;
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      this.#bytes[at + 1 + i] = code;
    }
    this.#at = at + 1 + value.length;
    return true;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + count));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
