import type { Random } from '@quorate/core';

const MIN_BITS = 4;
const ROUNDS = 3;

/**
 * SWIM's round-robin probing (section 4.3) without a shuffled list: places are visited in the order of a keyed bijection of
 * the numbers below a power of two, and those at which nobody stands are passed over. Each round takes other keys. Who joins
 * during a round stands at a place that is random in its order: ahead and met in this round, or behind and met in the next.
 */
export class ProbeOrder {
  readonly #random: Random;
  #bits = 0;
  // At the end of a round that nobody was in.
  #step = 1;
  #factors: readonly number[] = [];
  #offsets: readonly number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** A place below `count`: each once in a round. */
  next(count: number): number {
    for (;;) {
      if (this.#step >= 2 ** this.#bits) this.#begin(count);
      const place = this.#permute(this.#step);
      this.#step += 1;
      if (place < count) return place;
    }
  }

  #begin(count: number): void {
    this.#bits = Math.max(MIN_BITS, Math.ceil(Math.log2(count + 1)));
    this.#step = 0;
    this.#factors = Array.from({ length: ROUNDS }, () => this.#random.int(2 ** 31) * 2 + 1);
    this.#offsets = Array.from({ length: ROUNDS }, () => this.#random.int(2 ** 32));
  }

  /** Odd factors, sums and shifted xors each map the numbers of so many bits one to one. */
  #permute(step: number): number {
    const mask = 2 ** this.#bits - 1;
    const shift = Math.ceil(this.#bits / 2);
    let value = step;
    for (let round = 0; round < ROUNDS; round += 1) {
      value = (Math.imul(value, this.#factors[round] ?? 1) + (this.#offsets[round] ?? 0)) & mask;
      value ^= value >>> shift;
    }
    return value;
  }
}
