import { readU32, ClusterError, type Crc32, isClusterError } from '@quorate/core';
import { ByteStream } from '../snapshots/byte-stream.ts';

/** A piece of a sealed file. */
export interface SealedRecord {
  /** What it is, 0 to 255: each format has its own. */
  readonly type: number;
  readonly body: Uint8Array;
}

/** What tells one format from another. */
export interface SealedFormat {
  /** For messages: `backup`. */
  readonly name: string;
  /** Four characters of ASCII. */
  readonly magic: string;
  readonly version: number;
}

/** The largest body of a record. */
const MAX_RECORD_BODY_BYTES: number = 16 * 1024 * 1024;

/*
 * Magic (4 bytes), version (1), then records: type (1), length of the body (4), checksum (4), body. Big-endian. The
 * checksum is the CRC-32 of all that comes before, but for other checksums, and of the body: so no record can be left out,
 * exchanged, or taken from another file. How a file ends is for its format to say.
 */
const HEAD_BYTES = 5;
const RECORD_HEAD_BYTES = 9;
const SEALED_HEAD_BYTES = 5;

/** Writes a sealed file, piece by piece. */
export class RecordSealer {
  /** What a file begins with. */
  readonly head: Uint8Array;
  readonly #crc32: Crc32;
  #checksum: number;

  constructor(format: SealedFormat, crc32: Crc32) {
    this.head = headOf(format);
    this.#crc32 = crc32;
    this.#checksum = crc32(this.head);
  }

  /** The bytes of a record: what stands in front of its body, and the body, which is not copied. */
  seal({ type, body }: SealedRecord): readonly Uint8Array[] {
    const head = new Uint8Array(RECORD_HEAD_BYTES);
    const view = new DataView(head.buffer);
    head[0] = type;
    view.setUint32(1, body.length);
    this.#checksum = this.#crc32(body, this.#crc32(head.subarray(0, SEALED_HEAD_BYTES), this.#checksum));
    view.setUint32(SEALED_HEAD_BYTES, this.#checksum);
    return body.length === 0 ? [head] : [head, body];
  }
}

/** Reads sealed files, one behind the other, in whatever pieces their bytes come. */
export class RecordReader {
  readonly #format: SealedFormat;
  readonly #crc32: Crc32;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #stream: ByteStream;
  #checksum = 0;
  #offset = 0;

  constructor(format: SealedFormat, chunks: AsyncIterable<Uint8Array>, crc32: Crc32) {
    this.#format = format;
    this.#crc32 = crc32;
    const iterator = chunks[Symbol.asyncIterator]();
    this.#chunks = iterator;
    this.#stream = new ByteStream({ [Symbol.asyncIterator]: () => iterator });
  }

  /**
   * Reads the head of the next file. False at the end of everything.
   * @throws ClusterError `CORRUPT`; `UNSUPPORTED` for a later version; what the chunks throw
   */
  async begin(): Promise<boolean> {
    const head = await this.#read(HEAD_BYTES);
    if (head === undefined) return false;
    const expected = headOf(this.#format);
    if (expected.some((byte, at) => at < HEAD_BYTES - 1 && head[at] !== byte)) {
      throw this.unsound(`it does not begin as a ${this.#format.name} does`);
    }
    const version = head[HEAD_BYTES - 1];
    if (version !== this.#format.version) {
      const message = `a ${this.#format.name} of version ${version}, this release reads ${this.#format.version}`;
      throw new ClusterError('UNSUPPORTED', message);
    }
    this.#checksum = this.#crc32(head);
    return true;
  }

  /**
   * The next record, whole and undamaged.
   * @throws ClusterError `CORRUPT` where there is none, naming the offset; what the chunks throw
   */
  async next(): Promise<SealedRecord> {
    const head = await this.#read(RECORD_HEAD_BYTES);
    if (head === undefined) throw this.unsound('it is cut off');
    const [type = 0] = head;
    const length = readU32(head, 1);
    const checksum = readU32(head, SEALED_HEAD_BYTES);
    if (length > MAX_RECORD_BODY_BYTES) throw this.unsound(`a piece of ${length} bytes`);
    // The head may be a view of what the next read replaces.
    const sealed = this.#crc32(head.subarray(0, SEALED_HEAD_BYTES), this.#checksum);
    const body = length === 0 ? new Uint8Array() : await this.#read(length);
    if (body === undefined) throw this.unsound('it is cut off');
    this.#checksum = this.#crc32(body, sealed);
    if (this.#checksum !== checksum) throw this.unsound('it is damaged');
    return { type, body };
  }

  /**
   * Makes sure that nothing comes behind.
   * @throws ClusterError `CORRUPT`
   */
  async end(): Promise<void> {
    if ((await this.#read(1)) !== undefined) throw this.unsound('something comes behind its end');
  }

  /** Lets go of the chunks. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  unsound(flaw: string, cause?: unknown): ClusterError {
    return new ClusterError('CORRUPT', `${this.#format.name}, before byte ${this.#offset}: ${flaw}`, { cause });
  }

  async #read(count: number): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#stream.read(count);
      this.#offset += bytes?.length ?? 0;
      return bytes;
    } catch (error) {
      if (!isClusterError(error, 'PROTOCOL')) throw error;
      throw this.unsound('it is cut off', error);
    }
  }
}

function headOf({ magic, version }: SealedFormat): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  head.set(new TextEncoder().encode(magic));
  head[HEAD_BYTES - 1] = version;
  return head;
}
