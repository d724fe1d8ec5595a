/** A hash of what happened: two runs with the same one went the same way. FNV-1a over whole numbers of 32 bits, twice. */
export class RunHash {
  #low = 0x811c9dc5;
  #high = 0x9747b28c;

  mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul(this.#high ^ (value + this.#low), 0x5bd1e995);
    this.#high ^= this.#high >>> 15;
  }

  get hex(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
