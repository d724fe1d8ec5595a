import type { MonotonicMs, NodeId } from '@quorate/core';

/** Heartbeats whose acknowledgement may still come; older ones would not move the deadline. */
const MAX_ROUNDS = 1024;

/**
 * What the leader's grant rests on: for each voter, when the last heartbeat that it acknowledged was sent. The voter's
 * promise began after that moment, and so the moment, not that of the answer, is what counts.
 */
export class LeaseLedger {
  /** How many voters besides the leader make a majority with it. */
  readonly #needed: number;
  readonly #sentAt = new Map<number, MonotonicMs>();
  readonly #acknowledged = new Map<NodeId, MonotonicMs>();
  #round: number;

  /** @param round where to begin, drawn at random: a late answer to an earlier leadership must not fit */
  constructor(needed: number, round: number) {
    this.#needed = needed;
    this.#round = round;
  }

  /** The latest. What is sent in it later still counts from its beginning, which is on the safe side. */
  get round(): number {
    return this.#round;
  }

  /** Begins a round of heartbeats: the leader's own doing only, so that no peer can push rounds out. */
  open(now: MonotonicMs): number {
    this.#round = (this.#round + 1) >>> 0;
    this.#sentAt.set(this.#round, now);
    const oldest = this.#sentAt.keys().next().value;
    if (this.#sentAt.size > MAX_ROUNDS && oldest !== undefined) this.#sentAt.delete(oldest);
    return this.#round;
  }

  /** A voter promised at a moment after `sentAt`. */
  record(voter: NodeId, sentAt: MonotonicMs): void {
    const before = this.#acknowledged.get(voter) ?? -Infinity;
    this.#acknowledged.set(voter, Math.max(before, sentAt));
  }

  /** False when the round is not known any more. */
  acknowledge(voter: NodeId, round: number): boolean {
    const sentAt = this.#sentAt.get(round);
    if (sentAt !== undefined) this.record(voter, sentAt);
    return sentAt !== undefined;
  }

  /** The latest moment after which a majority, the leader among them, promised. */
  heldSince(now: MonotonicMs): MonotonicMs {
    if (this.#needed === 0) return now;
    const newestFirst = [...this.#acknowledged.values()].sort((a, b) => b - a);
    return newestFirst[this.#needed - 1] ?? -Infinity;
  }
}
