import type { MonotonicMs, NodeId } from '@quorate/core';

/** More than are ever asked for help at a time. */
const MAX_HEARD = 64;

/** Of whom this node has got packets of late. */
export class RecentlyHeard {
  /** The latest at the end. */
  readonly #heard = new Map<NodeId, MonotonicMs>();

  note(id: NodeId, now: MonotonicMs): void {
    this.#heard.delete(id);
    this.#heard.set(id, now);
    if (this.#heard.size <= MAX_HEARD) return;
    for (const [oldest] of this.#heard) {
      this.#heard.delete(oldest);
      return;
    }
  }

  /** Those since then, the latest first. */
  *since(at: MonotonicMs): Generator<NodeId, void, undefined> {
    const latestFirst = [...this.#heard].reverse();
    for (const [id, heardAt] of latestFirst) {
      if (heardAt < at) return;
      yield id;
    }
  }
}
