/** Bytes of batches that were written or read lately, so that followers near the end are served from memory. */
export class BatchCache {
  readonly #limit: number;
  readonly #batches = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(segment: number, offset: number): Uint8Array | undefined {
    return this.#batches.get(keyOf(segment, offset));
  }

  /** The oldest make room for it. */
  add(segment: number, offset: number, bytes: Uint8Array): void {
    const key = keyOf(segment, offset);
    if (bytes.length > this.#limit || this.#batches.has(key)) return;
    this.#batches.set(key, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#batches) {
      if (this.#bytes <= this.#limit) break;
      this.#batches.delete(oldest);
      this.#bytes -= length;
    }
  }
}

/** No place is used twice in the life of a log: segments have new numbers each time. */
function keyOf(segment: number, offset: number): number {
  return segment * 2 ** 32 + offset;
}
