/**
 * Bytes of batches that were written or read lately, so that followers near the end are served from memory. The newest
 * half of the limit is there at least: those added since it was half full last, and those of the half before.
 */
export class BatchCache {
  readonly #halfLimit: number;
  #newer = new Map<number, Uint8Array>();
  #older = new Map<number, Uint8Array>();
  /** Of the newer half. */
  #bytes = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#halfLimit = limit / 2;
  }

  get(segment: number, offset: number): Uint8Array | undefined {
    const key = keyOf(segment, offset);
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  /** The oldest make room for it: half of all at one time, since to take them out one by one costs a search for each. */
  add(segment: number, offset: number, bytes: Uint8Array): void {
    const key = keyOf(segment, offset);
    if (bytes.length > this.#halfLimit || this.#newer.has(key)) return;
    if (this.#bytes + bytes.length > this.#halfLimit) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#bytes = 0;
    }
    this.#newer.set(key, bytes);
    this.#bytes += bytes.length;
  }
}

/** No place is used twice in the life of a log: segments have new numbers each time. */
function keyOf(segment: number, offset: number): number {
  return segment * 2 ** 32 + offset;
}
