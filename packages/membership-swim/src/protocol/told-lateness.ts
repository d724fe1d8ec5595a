import type { NodeId } from '@quorate/core';

/** Less is nothing to wait for. */
const LATE_MS = 20;
const MAX_LATE = 1024;

/** How late the timers of others have run, by their own word with their last answer. Of those that aren't late nothing is held. */
export class ToldLateness {
  /** Who told last is at the end. */
  readonly #late = new Map<NodeId, number>();

  note(id: NodeId, lateMs: number): void {
    this.#late.delete(id);
    if (lateMs < LATE_MS) return;
    this.#late.set(id, lateMs);
    if (this.#late.size <= MAX_LATE) return;
    for (const [oldest] of this.#late) {
      this.#late.delete(oldest);
      return;
    }
  }

  of(id: NodeId): number {
    return this.#late.get(id) ?? 0;
  }

  forget(id: NodeId): void {
    this.#late.delete(id);
  }
}
