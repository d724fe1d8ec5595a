import type { Entry } from '@quorate/raft';

/** What an entry costs besides its data. */
const OVERHEAD_BYTES = 64;

/** The newest entries of a log, without gaps, in memory: what followers that keep up and the state machine need. */
export class EntryCache {
  readonly #maxBytes: number;
  /** `#entries[#head + i]` stands at `#first + i`; what is before the head was evicted. */
  #entries: Entry[] = [];
  #head = 0;
  #first = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The first index that is here; undefined when nothing is. */
  get firstIndex(): number | undefined {
    return this.#entries.length === this.#head ? undefined : this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes entries over that replace what stands at their first index and behind. */
  put(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    this.truncate(first.index);
    if (this.#first + this.#length !== first.index) this.clear();
    if (this.#length === 0) this.#first = first.index;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += cost(entry);
    }
    this.#evict();
  }

  /** Entries from `lo` to before `hi`, as many as fit into `maxBytes` of data but at least one; undefined without `lo`. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    if (lo < this.#first || lo >= this.#first + this.#length) return undefined;
    const from = this.#head + lo - this.#first;
    const to = Math.min(this.#head + hi - this.#first, this.#entries.length);
    return this.#entries.slice(from, fitting(this.#entries, from, to, maxBytes));
  }

  /** Forgets what stands at `index` and behind. */
  truncate(index: number): void {
    const keep = Math.max(0, Math.min(this.#length, index - this.#first));
    for (let at = this.#head + keep; at < this.#entries.length; at += 1) {
      this.#bytes -= cost(this.#entries[at]);
    }
    this.#entries.length = this.#head + keep;
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#first = 0;
    this.#bytes = 0;
  }

  get #length(): number {
    return this.#entries.length - this.#head;
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes && this.#length > 1) {
      this.#bytes -= cost(this.#entries[this.#head]);
      this.#head += 1;
      this.#first += 1;
    }
    // Moved to the front now and then, so that each eviction costs little and nothing evicted is held.
    if (this.#head < 64 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}

function cost(entry: Entry | undefined): number {
  return entry === undefined ? 0 : entry.data.length + OVERHEAD_BYTES;
}

/** Where to stop so that the data fit. At least one entry. */
export function fitting(entries: readonly Entry[], from: number, to: number, maxBytes: number): number {
  let bytes = 0;
  for (let at = from; at < to; at += 1) {
    bytes += entries[at]?.data.length ?? 0;
    if (bytes > maxBytes && at > from) return at;
  }
  return to;
}
