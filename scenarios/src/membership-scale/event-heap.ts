/**
 * What is to happen, in order of (time, order of being added). The simulator's own queue can cancel; here millions of events
 * that nobody cancels pass through, so times lie in one typed array and nothing is allocated but the event itself.
 */
export class EventHeap<E> {
  #times = new Float64Array(1024);
  #sequences = new Float64Array(1024);
  readonly #events: E[] = [];
  #size = 0;
  #sequence = 0;

  /** When the next event is due; infinite when there is none. */
  get nextAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  add(time: number, event: E): void {
    if (this.#size === this.#times.length) this.#grow();
    const sequence = this.#sequence;
    this.#sequence += 1;
    let at = this.#size;
    this.#size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (this.#isBefore(parent, time, sequence)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, sequence, event);
  }

  /** Removes the first. There must be one. */
  take(): E {
    const first = this.#events[0] as E;
    this.#size -= 1;
    const last = this.#events.pop() as E;
    if (this.#size > 0) this.#sink(this.#times[this.#size] as number, this.#sequences[this.#size] as number, last);
    return first;
  }

  #sink(time: number, sequence: number, event: E): void {
    let at = 0;
    for (;;) {
      const child = this.#firstChild(4 * at + 1);
      if (child === -1 || !this.#isBefore(child, time, sequence)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, sequence, event);
  }

  /** Of the up to four children from `from` on, the one that is due first; -1 if there is none. */
  #firstChild(from: number): number {
    if (from >= this.#size) return -1;
    const end = Math.min(from + 4, this.#size);
    let first = from;
    for (let child = from + 1; child < end; child += 1) {
      if (this.#isBefore(child, this.#times[first] as number, this.#sequences[first] as number)) first = child;
    }
    return first;
  }

  #isBefore(at: number, time: number, sequence: number): boolean {
    const its = this.#times[at] as number;
    return its < time || (its === time && (this.#sequences[at] as number) < sequence);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#sequences[from] as number, this.#events[from] as E);
  }

  #put(at: number, time: number, sequence: number, event: E): void {
    this.#times[at] = time;
    this.#sequences[at] = sequence;
    this.#events[at] = event;
  }

  #grow(): void {
    this.#times = grown(this.#times);
    this.#sequences = grown(this.#sequences);
  }
}

function grown(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
