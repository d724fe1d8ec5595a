import { ClusterError } from '@quorate/core';

/** Reads what a `ByteWriter` wrote. Whatever else it is given, it throws `PROTOCOL`, and reads nothing beyond the end. */
export class ByteReader {
  readonly #what: string;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    if (this.left < 1) throw this.unsound('it is cut off');
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** A safe integer from 0, in as few bytes as it takes. */
  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.u8();
      value += (byte % 0x80) * scale;
      if (byte >= 0x80) continue;
      if ((byte === 0 && scale > 1) || !Number.isSafeInteger(value)) break;
      return value;
    }
    throw this.unsound('a number in it is none');
  }

  /** A number of things that take a byte each at least: so that nobody reserves room for more than there can be. */
  count(): number {
    const count = this.number();
    if (count > this.left) throw this.unsound('it is cut off');
    return count;
  }

  /** A view. */
  bytes(): Uint8Array {
    const length = this.count();
    this.#at += length;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at - length, length);
  }

  latin1(): string {
    const length = this.count();
    this.#at += length;
    return this.#bytes.toString('latin1', this.#at - length, this.#at);
  }

  text(): string {
    const length = this.count();
    const from = this.#at;
    this.#at += length;
    for (let at = from; at < this.#at; at += 1) {
      if ((this.#bytes[at] ?? 0) >= 0x80) return this.#wideText(from);
    }
    return this.#bytes.toString('latin1', from, this.#at);
  }

  /** @throws ClusterError `PROTOCOL` when there is more */
  end(): void {
    if (this.left > 0) throw this.unsound('bytes behind its end');
  }

  unsound(flaw: string, cause?: unknown): ClusterError {
    return new ClusterError('PROTOCOL', `${this.#what}: ${flaw}`, { cause });
  }

  #wideText(from: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#bytes.subarray(from, this.#at));
    } catch (cause) {
      throw this.unsound('a text in it is none', cause);
    }
  }
}
