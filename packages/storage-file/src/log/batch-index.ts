/** Where a batch lies. */
interface BatchPlace {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
}

export interface IndexedBatch extends BatchPlace {
  readonly firstIndex: number;
  readonly term: number;
  /** Of the entries that count: those behind were replaced by later batches. */
  readonly count: number;
}

/** Told when a segment gains or loses bytes that are still needed. */
export interface LiveBytes {
  addLive(segment: number, change: number): void;
}

const CELLS = 7;
/** Enough for a group that was formed and has elected a leader, and does nothing yet. */
const FIRST_SLOTS = 4;
/** So many are kept in a plain list: what a typed one costs besides is more, and most of many groups have no more. */
const FEW_SLOTS = 16;

type Cells = number[] | Float64Array;

/**
 * Where the entries of one group are, in numbers side by side: 56 bytes a batch, whatever its size. Slots are in order
 * of the index; there are gaps only while a log is being read in.
 */
export class BatchIndex {
  #cells: Cells = emptyCells(FIRST_SLOTS);
  /** The slots in use: from `#begin` to before `#end`. */
  #begin = 0;
  #end = 0;
  readonly #live: LiveBytes;

  constructor(live: LiveBytes) {
    this.#live = live;
  }

  get size(): number {
    return this.#end - this.#begin;
  }

  /** Undefined when there is none. */
  get lastIndex(): number | undefined {
    return this.size === 0 ? undefined : this.lastIndexAt(this.size - 1);
  }

  at(slot: number): IndexedBatch {
    const [firstIndex = 0, term = 0, count = 0, segment = 0, offset = 0, length = 0, checksum = 0] = this.#cells.slice(
      this.#cell(slot),
      this.#cell(slot) + CELLS,
    );
    return { firstIndex, term, count, segment, offset, length, checksum };
  }

  firstIndexAt(slot: number): number {
    return this.#cells[this.#cell(slot)] ?? 0;
  }

  termAt(slot: number): number {
    return this.#cells[this.#cell(slot) + 1] ?? 0;
  }

  lastIndexAt(slot: number): number {
    const cell = this.#cell(slot);
    return (this.#cells[cell] ?? 0) + (this.#cells[cell + 2] ?? 0) - 1;
  }

  /** The first slot whose last entry is this or a later one; `size` when there is none. */
  find(index: number): number {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastIndexAt(middle) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Cuts off from its first entry on, and adds it. */
  append(batch: IndexedBatch): void {
    this.truncateFrom(batch.firstIndex);
    this.#makeRoom();
    this.#end += 1;
    this.#put(this.size - 1, batch);
    this.#live.addLive(batch.segment, batch.length);
  }

  /** A batch in another place: in that of the same one, or in a gap. */
  move(batch: IndexedBatch): void {
    const slot = this.find(batch.firstIndex);
    if (slot < this.size && this.firstIndexAt(slot) < batch.firstIndex + batch.count) {
      this.#free(slot);
    } else {
      this.#makeRoom();
      const from = this.#cell(slot);
      this.#cells.copyWithin(from + CELLS, from, this.#end * CELLS);
      this.#end += 1;
    }
    this.#put(slot, batch);
    this.#live.addLive(batch.segment, batch.length);
  }

  truncateFrom(index: number): void {
    while (this.size > 0 && this.firstIndexAt(this.size - 1) >= index) {
      this.#free(this.size - 1);
      this.#end -= 1;
    }
    const last = this.size - 1;
    if (last >= 0 && this.lastIndexAt(last) >= index) {
      this.#cells[this.#cell(last) + 2] = index - this.firstIndexAt(last);
    }
  }

  /** Drops the batches that are in this range wholly. */
  dropThrough(index: number): void {
    while (this.size > 0 && this.lastIndexAt(0) <= index) {
      this.#free(0);
      this.#begin += 1;
    }
  }

  clear(): void {
    this.dropThrough(Infinity);
    this.#begin = 0;
    this.#end = 0;
  }

  #cell(slot: number): number {
    return (this.#begin + slot) * CELLS;
  }

  #put(slot: number, { firstIndex, term, count, segment, offset, length, checksum }: IndexedBatch): void {
    const values = [firstIndex, term, count, segment, offset, length, checksum];
    const cell = this.#cell(slot);
    for (let at = 0; at < CELLS; at += 1) this.#cells[cell + at] = values[at] ?? 0;
  }

  #free(slot: number): void {
    const { segment, length } = this.at(slot);
    this.#live.addLive(segment, -length);
  }

  #makeRoom(): void {
    if ((this.#end + 1) * CELLS <= this.#cells.length) return;
    const [from, to] = [this.#begin * CELLS, this.#end * CELLS];
    // Half of it was dropped: moving the rest down makes room enough.
    if (this.#begin > this.size) this.#cells.copyWithin(0, from, to);
    else this.#cells = grown(this.#cells, from, to);
    this.#end -= this.#begin;
    this.#begin = 0;
  }
}

function emptyCells(slots: number): Cells {
  const length = slots * CELLS;
  return slots > FEW_SLOTS ? new Float64Array(length) : Array.from({ length }, () => 0);
}

/** A list of twice the size that begins with these cells of the old one. */
function grown(old: Cells, from: number, to: number): Cells {
  const cells = emptyCells((old.length / CELLS) * 2);
  for (let at = from; at < to; at += 1) cells[at - from] = old[at] ?? 0;
  return cells;
}
