/** What knows its place in the one heap that it is in; -1 outside. */
export interface Placed {
  place: number;
}

/** A binary heap whose items can be removed and moved wherever they are, in O(log n). No two items may be equal. */
export class IndexedHeap<T extends Placed> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  remove(item: T): void {
    const { place } = item;
    const last = this.#items.pop() as T;
    item.place = -1;
    if (last === item) return;
    last.place = place;
    this.#items[place] = last;
    this.moved(last);
  }

  /** What its place depends on has changed. */
  moved(item: T): void {
    const { place } = item;
    this.#rise(item, place);
    if (item.place === place) this.#sink(item, place);
  }

  #rise(item: T, from: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above] as T;
      if (!this.#isBefore(item, parent)) break;
      items[at] = parent;
      parent.place = at;
      at = above;
    }
    items[at] = item;
    item.place = at;
  }

  #sink(item: T, from: number): void {
    const items = this.#items;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.#isBefore(items[below + 1] as T, items[below] as T)) below += 1;
      const child = items[below] as T;
      if (!this.#isBefore(child, item)) break;
      items[at] = child;
      child.place = at;
      at = below;
    }
    items[at] = item;
    item.place = at;
  }
}
