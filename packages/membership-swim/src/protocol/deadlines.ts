import type { MonotonicMs } from '@quorate/core';

/** Something to be done at a time, unless it is cancelled before. */
export interface Deadline {
  readonly at: MonotonicMs;
  cancel(): void;
}

class Entry implements Deadline {
  readonly at: MonotonicMs;
  readonly order: number;
  #action: (() => void) | undefined;

  constructor(at: MonotonicMs, order: number, action: () => void) {
    this.at = at;
    this.order = order;
    this.#action = action;
  }

  get isCancelled(): boolean {
    return this.#action === undefined;
  }

  cancel(): void {
    this.#action = undefined;
  }

  run(): void {
    const action = this.#action;
    this.#action = undefined;
    action?.();
  }
}

/** Fewer are not worth looking through. */
const MIN_SWEPT = 64;

/**
 * What is to be done when: a binary heap. Two of the same time are done in the order in which they were set. Those that are
 * cancelled stay in it until their time, or until they are as many as the others.
 */
export class Deadlines {
  #heap: Entry[] = [];
  #order = 0;
  #sweepsAt = MIN_SWEPT;

  /** Infinity when there is nothing to do. */
  get next(): MonotonicMs {
    while (this.#heap[0]?.isCancelled === true) this.#removeFirst();
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** How many places are taken, those of cancelled ones included. */
  get places(): number {
    return this.#heap.length;
  }

  set(at: MonotonicMs, action: () => void): Deadline {
    if (this.#heap.length >= this.#sweepsAt) this.#sweep();
    const entry = new Entry(at, this.#order++, action);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return entry;
  }

  /** Does all that is due, but not what that sets in turn: who calls has a say in between. */
  run(now: MonotonicMs): void {
    const last = this.#order;
    for (let at = this.next; at <= now; at = this.next) {
      const first = this.#heap[0];
      if (first === undefined || first.order >= last) return;
      this.#removeFirst();
      first.run();
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ isCancelled }) => !isCancelled);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
    this.#sweepsAt = Math.max(MIN_SWEPT, 2 * this.#heap.length);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < this.#heap.length && this.#isBefore(left, least)) least = left;
      if (left + 1 < this.#heap.length && this.#isBefore(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.at < second.at || (first.at === second.at && first.order < second.order);
  }

  #swap(a: number, b: number): void {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
