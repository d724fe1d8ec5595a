/** The call or the return of an operation, in a list by time. */
export interface Entry {
  /** The place of its operation among all of the list; -1 at the end of the list. */
  readonly operation: number;
  /** Of a call, the return that belongs to it. */
  readonly match: Entry | undefined;
}

interface Link extends Entry {
  readonly match: Link | undefined;
  previous: Link;
  next: Link;
}

/**
 * Calls and returns by time, those of operations that were placed taken out. Taking out and putting back is a matter of
 * a few links, when it is done in the order of a stack (Wing and Gong 1993, section 4).
 */
export class EntryList {
  /** Before the first and behind the last entry. */
  readonly #end: Link = makeEnd();

  /** @param order each operation by its place, twice: for its call, and later for its return */
  constructor(order: readonly number[]) {
    const returns = new Map<number, Link>();
    // From the end, so that a return is there when its call needs it.
    for (const operation of order.toReversed()) {
      const match = returns.get(operation);
      const link = { operation, match, previous: this.#end, next: this.#end.next };
      putBack(link);
      if (match === undefined) returns.set(operation, link);
    }
  }

  get isEmpty(): boolean {
    return this.#end.next === this.#end;
  }

  /** The operation that returns first. */
  get firstToReturn(): number {
    let link = this.#end.next;
    while (link.match !== undefined) link = link.next;
    return link.operation;
  }

  /** Calls before the first return: one of them has to be placed next. Goes on rightly where the list is as it was. */
  *placeable(): Generator<Entry, void> {
    for (let link = this.#end.next; link.match !== undefined; link = link.next) yield link;
  }

  /** Takes an operation out. */
  lift(call: Entry): void {
    const { match } = call;
    takeOut(call as Link);
    if (match !== undefined) takeOut(match as Link);
  }

  /** Puts the operation back that was taken out last. */
  unlift(call: Entry): void {
    const { match } = call;
    if (match !== undefined) putBack(match as Link);
    putBack(call as Link);
  }
}

function makeEnd(): Link {
  const end = { operation: -1, match: undefined } as Partial<Link> as Link;
  end.previous = end;
  end.next = end;
  return end;
}

/** It keeps its own links, which say where it belongs. */
function takeOut(link: Link): void {
  link.previous.next = link.next;
  link.next.previous = link.previous;
}

function putBack(link: Link): void {
  link.previous.next = link;
  link.next.previous = link;
}
