import type { MonotonicMs, NodeId } from '@quorate/core';

/** Election timeouts for which a candidate of higher priority must have been heard before it is handed the leadership. */
const TAKEOVER_TIMEOUTS = 2;
/** That time doubles with each take-over that led to nothing, up to this often. */
const MAX_TAKEOVER_DOUBLINGS = 12;

/** What a voter tells of itself to the leader. */
interface Standing {
  /** Whether it stands for election. */
  readonly candidate: boolean;
  readonly priority: number;
}

/** Who could lead after this node does, and who should. Keyed by voters, and so bounded by them. */
export class Succession {
  readonly #priority: number;
  readonly #electionMaxMs: number;
  /** The voters that said, in this leadership or the vote for it, that they stand for election, and their priorities. */
  readonly #candidates = new Map<NodeId, number>();
  /** When a candidate of higher priority was first heard during this leadership. */
  readonly #outrankedSince = new Map<NodeId, MonotonicMs>();
  /** How often leadership was handed to a candidate for its priority since it was last seen to lead. */
  readonly #takeovers = new Map<NodeId, number>();

  /** @param priority that of this node */
  constructor(priority: number, electionMaxMs: number) {
    this.#priority = priority;
    this.#electionMaxMs = electionMaxMs;
  }

  /** Best first. */
  get candidates(): readonly NodeId[] {
    return [...this.#candidates].sort(([a, p], [b, q]) => q - p || (a < b ? -1 : 1)).map(([id]) => id);
  }

  /** The vote for another leadership begins: what was heard belongs to an earlier one. */
  begin(): void {
    this.#candidates.clear();
    this.#outrankedSince.clear();
  }

  note(id: NodeId, { candidate, priority }: Standing): void {
    if (candidate) this.#candidates.set(id, priority);
    else this.#candidates.delete(id);
  }

  lost(id: NodeId): void {
    this.#candidates.delete(id);
    this.#outrankedSince.delete(id);
  }

  hasLed(id: NodeId): void {
    this.#takeovers.delete(id);
  }

  /**
   * Whether to hand over to a candidate now, for its priority. It must have been there for a while: the longer, the more
   * often that led to nothing, as with one that can answer a leader but not be elected.
   */
  yieldsTo(id: NodeId, { candidate, priority }: Standing, now: MonotonicMs): boolean {
    if (!candidate || priority <= this.#priority) {
      this.#outrankedSince.delete(id);
      return false;
    }
    const since = this.#outrankedSince.get(id) ?? now;
    this.#outrankedSince.set(id, since);
    const takeovers = this.#takeovers.get(id) ?? 0;
    const patience = TAKEOVER_TIMEOUTS * 2 ** Math.min(takeovers, MAX_TAKEOVER_DOUBLINGS);
    if (now - since < patience * this.#electionMaxMs) return false;
    this.#takeovers.set(id, takeovers + 1);
    return true;
  }
}
