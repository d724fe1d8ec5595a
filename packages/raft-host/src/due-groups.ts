/**
 * Groups that are due for something, each once, in the order in which they came. Each says itself whether it is, by a mark:
 * a `Set` that is filled and emptied with every input leaves its tables behind among the long-lived objects, where garbage
 * is looked for so rarely that a process with many groups would become twice as large.
 */
export class DueGroups<G extends { due: number }> {
  /** A bit of `due` that no other has. */
  readonly #mark: number;
  /** Those without the mark are passed over: they were taken out. */
  #groups: G[] = [];

  constructor(mark: number) {
    this.#mark = mark;
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  add(group: G): void {
    if ((group.due & this.#mark) !== 0) return;
    group.due |= this.#mark;
    this.#groups.push(group);
  }

  delete(group: G): void {
    group.due &= ~this.#mark;
  }

  /** Hands out each, also those that come meanwhile. */
  handOut(act: (group: G) => void): void {
    for (const group of this.#groups) {
      if ((group.due & this.#mark) === 0) continue;
      group.due &= ~this.#mark;
      act(group);
    }
    this.#groups = [];
  }

  /** Takes out all that are here now. */
  takeAll(): readonly G[] {
    const all: G[] = [];
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) {
      if ((group.due & this.#mark) !== 0) all.push(group);
      group.due &= ~this.#mark;
    }
    return all;
  }
}
