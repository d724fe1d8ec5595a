const WORD_BITS = 32;

/**
 * Which of the last `size` counters of a session have come. What is older than those counts as come: it cannot be told.
 * (As for IPsec: RFC 4303, section 3.4.3.)
 */
export class ReplayWindow {
  readonly #size: number;
  /** A ring of bits: that of counter c is at c modulo `size`. Bits of counters above `#highest` are 0. */
  readonly #seen: Uint32Array;
  #highest = 0;

  /** @param size a multiple of 32 */
  constructor(size: number) {
    this.#size = size;
    this.#seen = new Uint32Array(size / WORD_BITS);
  }

  judge(counter: number): 'new' | 'replayed' | 'too-old' {
    if (counter > this.#highest) return 'new';
    if (counter <= this.#highest - this.#size) return 'too-old';
    return this.#has(counter) ? 'replayed' : 'new';
  }

  /** To be called once a datagram has been shown to be genuine: a forged counter must not move the window. */
  mark(counter: number): void {
    if (counter > this.#highest) this.#advance(counter);
    const at = counter % this.#size;
    const word = Math.floor(at / WORD_BITS);
    this.#seen[word] = (this.#seen[word] ?? 0) | (1 << (at % WORD_BITS));
  }

  #advance(to: number): void {
    if (to - this.#highest >= this.#size) this.#seen.fill(0);
    else for (let counter = this.#highest + 1; counter <= to; counter += 1) this.#clear(counter);
    this.#highest = to;
  }

  #clear(counter: number): void {
    const at = counter % this.#size;
    const word = Math.floor(at / WORD_BITS);
    this.#seen[word] = (this.#seen[word] ?? 0) & ~(1 << (at % WORD_BITS));
  }

  #has(counter: number): boolean {
    const at = counter % this.#size;
    return ((this.#seen[Math.floor(at / WORD_BITS)] ?? 0) & (1 << (at % WORD_BITS))) !== 0;
  }
}
