/**
 * Lifeguard's local health (section III-A): a node that misses answers, or hears itself suspected, first doubts itself. 0 is
 * well; all that it waits for takes `factor` times as long.
 */
export class LocalHealth {
  readonly #worst: number;
  #score = 0;

  /** @param count how many scores there are, 0 included */
  constructor(count: number) {
    this.#worst = count - 1;
  }

  get score(): number {
    return this.#score;
  }

  get factor(): number {
    return 1 + this.#score;
  }

  change(by: number): void {
    this.#score = Math.min(this.#worst, Math.max(0, this.#score + by));
  }
}
