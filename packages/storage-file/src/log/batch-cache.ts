/** What a batch costs besides its bytes: the list of them, its memory, and its place in the table. */
const OVERHEAD_BYTES = 256;

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

  /** @param limit in bytes, with what batches cost besides */
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
    const cost = bytes.length + OVERHEAD_BYTES;
    if (cost > this.#halfLimit || this.#newer.has(key)) return;
    if (this.#bytes + cost > this.#halfLimit) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#bytes = 0;
    }
    this.#newer.set(key, bytes);
    this.#bytes += cost;
  }
}

/** No place is used twice in the life of a log: segments have new numbers each time. */
function keyOf(segment: number, offset: number): number {
  return segment * 2 ** 32 + offset;
}
