import type { CommandPosition } from './skip.ts';

/** How many skips are kept in mind. */
export const MAX_SKIPS = 1024;

/** Commands that are not to be applied. Bounded: of too many, those of the oldest entries are forgotten. */
export class SkipSet {
  /** Places by index. Undefined until there is one: most groups never skip anything. */
  #places: Map<number, Set<number>> | undefined;
  #size = 0;

  constructor(positions: Iterable<CommandPosition> = []) {
    for (const position of positions) this.add(position);
  }

  /** Whether any command of this entry is to be skipped. */
  touches(index: number): boolean {
    return this.#places?.has(index) === true;
  }

  has({ index, place }: CommandPosition): boolean {
    return this.#places?.get(index)?.has(place) === true;
  }

  add({ index, place }: CommandPosition): void {
    this.#places ??= new Map();
    const places = this.#places.get(index) ?? new Set();
    if (places.has(place)) return;
    this.#places.set(index, places.add(place));
    this.#size += 1;
    while (this.#size > MAX_SKIPS) this.#forgetOldest();
  }

  /** In their order in the log. */
  positions(): readonly CommandPosition[] {
    return [...(this.#places ?? [])]
      .flatMap(([index, places]) => [...places].map((place) => ({ index, place })))
      .sort((a, b) => a.index - b.index || a.place - b.place);
  }

  #forgetOldest(): void {
    const [oldest] = this.positions();
    if (oldest === undefined) return;
    const places = this.#places?.get(oldest.index);
    places?.delete(oldest.place);
    if (places?.size === 0) this.#places?.delete(oldest.index);
    this.#size -= 1;
  }
}
