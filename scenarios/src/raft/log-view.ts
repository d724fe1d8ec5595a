import type { Entry } from '@quorate/raft';

/** A node's log as the world saw it made: the terms, from which Raft's log matching can be judged. */
export class LogView {
  base: number;
  readonly #terms: number[];

  /** @param terms Of the entry at `base` and of those behind it. */
  constructor(base: number, terms: readonly number[]) {
    this.base = base;
    this.#terms = [...terms];
  }

  get lastIndex(): number {
    return this.base + this.#terms.length - 1;
  }

  term(index: number): number | undefined {
    return this.#terms[index - this.base];
  }

  /** Cuts off what is there from the entry's index on. */
  append({ index, term }: Entry): void {
    if (index <= this.base || index > this.lastIndex + 1) throw new Error(`log: ${index} after ${this.lastIndex}`);
    this.#terms.length = index - this.base;
    this.#terms.push(term);
  }
}
