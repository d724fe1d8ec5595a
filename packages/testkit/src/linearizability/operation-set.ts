const BITS = 16;
const FULL = 2 ** BITS - 1;

/**
 * A set of operations that grows and shrinks near its end. Operations are placed about in the order of their calls: all
 * words but a few are full or empty, and only those few make up the key.
 */
export class OperationSet {
  readonly #words: Uint16Array;
  /** All words before it are full. */
  #first = 0;
  /** This word and all behind it are empty. */
  #end = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#words = new Uint16Array(Math.floor(capacity / BITS) + 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Of one that is not in it. */
  add(operation: number): void {
    const at = Math.floor(operation / BITS);
    this.#words[at] = this.#word(at) | (1 << (operation % BITS));
    this.#size += 1;
    this.#end = Math.max(this.#end, at + 1);
    while (this.#word(this.#first) === FULL) this.#first += 1;
  }

  /** Of one that is in it. */
  delete(operation: number): void {
    const at = Math.floor(operation / BITS);
    this.#words[at] = this.#word(at) & ~(1 << (operation % BITS));
    this.#size -= 1;
    this.#first = Math.min(this.#first, at);
    while (this.#end > 0 && this.#word(this.#end - 1) === 0) this.#end -= 1;
  }

  /** A text that two sets share only if they are equal, even with any text behind it. */
  key(): string {
    const words = this.#words.subarray(this.#first, this.#end);
    return `${this.#first}:${words.length}:${String.fromCharCode(...words)}`;
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }
}
