import { ClusterError } from '@quorate/core';

/** Reads a stream by numbers of bytes, in whatever pieces it comes. */
export class ByteStream {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** Of the last piece, what was not read. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /**
   * So many bytes; undefined when the stream ends before the first of them. One read at a time.
   * @throws ClusterError `PROTOCOL` when it ends within them; what the stream fails with
   */
  async read(count: number): Promise<Uint8Array | undefined> {
    if (!(await this.#refill())) return undefined;
    if (this.#rest.length >= count) return this.#take(count);
    const whole = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (!(await this.#refill())) throw new ClusterError('PROTOCOL', `a stream ends ${count - at} bytes too early`);
      const part = this.#take(Math.min(count - at, this.#rest.length));
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #take(count: number): Uint8Array {
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  /** Whether there is something to read. */
  async #refill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done === true) return false;
      this.#rest = value;
    }
    return true;
  }
}
