/** Something that is to happen at a moment of true time. */
export interface Scheduled {
  readonly time: number;
  readonly sequence: number;
  run: (() => void) | undefined;
}

const COMPACT_ABOVE = 1024;

/** A binary heap in order of (time, sequence). Cancelled events stay until they come up or make up half of it. */
export class EventQueue {
  #heap: Scheduled[] = [];
  #sequence = 0;
  #cancelled = 0;

  add(time: number, run: () => void): Scheduled {
    const event = { time, sequence: this.#sequence, run };
    this.#sequence += 1;
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  cancel(event: Scheduled): void {
    if (event.run === undefined) return;
    event.run = undefined;
    this.#cancelled += 1;
    if (this.#cancelled > COMPACT_ABOVE && this.#cancelled * 2 > this.#heap.length) this.#compact();
  }

  /** Takes the next event that is due by `until`. */
  take(until: number): Scheduled | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.time > until) return undefined;
      this.#removeFirst();
      if (first.run !== undefined) return first;
      this.#cancelled -= 1;
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const event = heap[from] as Scheduled;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Scheduled;
      if (isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const event = heap[from] as Scheduled;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child += 1;
      if (isBefore(event, heap[child] as Scheduled)) break;
      heap[at] = heap[child] as Scheduled;
      at = child;
    }
    heap[at] = event;
  }

  #compact(): void {
    // Sorted, an array is a heap.
    this.#heap = this.#heap
      .filter((event) => event.run !== undefined)
      .sort((a, b) => a.time - b.time || a.sequence - b.sequence);
    this.#cancelled = 0;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
