/** The latest intervals, at most so many, with their mean and deviation at hand: each `add` takes the same time. */
export class IntervalWindow {
  readonly #capacity: number;
  /** A ring that grows until it is full. */
  readonly #intervals: number[] = [];
  #next = 0;
  /** What sums are of differences to: near the mean, so that their squares don't drown it. */
  #origin: number;
  #sum = 0;
  #squares = 0;

  /** @param first what is taken for the intervals before any was measured */
  constructor(capacity: number, first: readonly number[]) {
    this.#capacity = capacity;
    this.#origin = first[0] ?? 0;
    for (const interval of first) this.add(interval);
  }

  get mean(): number {
    return this.#intervals.length === 0 ? 0 : this.#origin + this.#sum / this.#intervals.length;
  }

  get deviation(): number {
    const { length } = this.#intervals;
    if (length === 0) return 0;
    const offset = this.#sum / length;
    return Math.sqrt(Math.max(0, this.#squares / length - offset * offset));
  }

  add(interval: number): void {
    const dropped = this.#intervals[this.#next];
    if (dropped !== undefined) this.#count(dropped, -1);
    this.#intervals[this.#next] = interval;
    this.#count(interval, 1);
    this.#next = (this.#next + 1) % this.#capacity;
    // What rounding left in the sums goes once a round, which is a constant time for each interval.
    if (this.#next === 0) this.#sumUp();
  }

  #sumUp(): void {
    this.#origin = this.mean;
    this.#sum = 0;
    this.#squares = 0;
    for (const interval of this.#intervals) this.#count(interval, 1);
  }

  #count(interval: number, sign: 1 | -1): void {
    const difference = interval - this.#origin;
    this.#sum += sign * difference;
    this.#squares += sign * difference * difference;
  }
}
