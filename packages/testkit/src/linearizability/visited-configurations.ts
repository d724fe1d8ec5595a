/**
 * Which configurations the search has been in: what was placed, and the state behind it (Lowe 2017, section 3). Of pending
 * operations, which need not be placed at all, each that was used is one fewer to explain what is to come. So one that used
 * the same and more finds nothing that the other doesn't, and counts as visited.
 */
export class VisitedConfigurations {
  readonly #usesByKey = new Map<string, readonly bigint[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * False when it adds nothing to what was visited.
   * @param key of the completed operations that were placed, and of the state
   * @param used the pending operations that were placed, a bit each
   */
  add(key: string, used: bigint): boolean {
    const known = this.#usesByKey.get(key) ?? [];
    if (known.some((uses) => (uses & used) === uses)) return false;
    this.#usesByKey.set(key, known.length === 0 ? [used] : [...known, used]);
    this.#size += 1;
    return true;
  }
}
