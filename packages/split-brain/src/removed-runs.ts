import type { MembershipView, NodeId } from '@quorate/core';

/** The most runs of which it is remembered that they were removed; of more the first are forgotten. */
const MAX_REMEMBERED = 10_000;

/** The runs of nodes that were decided to be gone for good, and what has become of them. */
export class RemovedRuns {
  /** By node, also of those that the membership has forgotten: one that stood still may come back late. */
  readonly #all = new Map<NodeId, number>();
  readonly #known = new Map<NodeId, number>();
  readonly #returned = new Map<NodeId, number>();

  /** Those that the membership remembers. */
  get known(): ReadonlyMap<NodeId, number> {
    return this.#known;
  }

  /** Those that are back without having been restarted, and go on as if nothing had been. */
  get returned(): ReadonlyMap<NodeId, number> {
    return this.#returned;
  }

  add(id: NodeId, incarnation: number): void {
    this.#known.set(id, incarnation);
    this.#all.delete(id);
    this.#all.set(id, incarnation);
    const [first] = this.#all.keys();
    if (first !== undefined && this.#all.size > MAX_REMEMBERED) this.#all.delete(first);
  }

  /** Who was started again, or has left, is a member like any other. */
  see({ members }: Pick<MembershipView, 'members'>): void {
    this.#known.clear();
    this.#returned.clear();
    for (const [id, incarnation] of this.#all) {
      const member = members.get(id);
      if (member === undefined) continue;
      if (member.incarnation !== incarnation || member.state === 'left') {
        this.#all.delete(id);
        continue;
      }
      this.#known.set(id, incarnation);
      if (member.state === 'alive') this.#returned.set(id, incarnation);
    }
  }
}
