import type { Random } from '@quorate/core';

/** What a world is made from: the same one gives the same run. */
export type Seed = number | string;

/** A generator for one purpose, so that the draws of one part of a world don't shift those of another. */
export function seededRandom(seed: Seed, purpose: string): Random {
  return new SmallFastCounter(`${seed}/${purpose}`);
}

/** SFC32 of Chris Doty-Humphrey's PractRand: integer operations only, so that every engine draws the same. */
class SmallFastCounter implements Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter = 1;

  constructor(text: string) {
    for (let at = 0; at < text.length; at += 1) {
      this.#a ^= text.charCodeAt(at);
      this.#next32();
    }
    for (let round = 0; round < 12; round += 1) this.#next32();
  }

  next(): number {
    const high = this.#next32() >>> 5;
    return (high * 0x4000000 + (this.#next32() >>> 6)) / 0x20000000000000;
  }

  int(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.#next32();
    return bytes;
  }

  #next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum;
  }
}
