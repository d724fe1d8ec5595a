import type { MonotonicMs, NodeId } from '@quorate/core';

/** The answers to one question put to the electorate: a pre-vote or a vote. */
export class Ballot {
  /** The term asked for. */
  readonly term: number;
  /** When the first question was sent: what a grant won by it is counted from. */
  readonly startedAt: MonotonicMs;
  readonly #voters: number;
  readonly #granted = new Set<NodeId>();
  readonly #refused = new Set<NodeId>();

  constructor(term: number, startedAt: MonotonicMs, voters: number) {
    this.term = term;
    this.startedAt = startedAt;
    this.#voters = voters;
  }

  get granted(): ReadonlySet<NodeId> {
    return this.#granted;
  }

  /** A voter's last word counts: one that refused may grant when it is asked again. */
  count(voter: NodeId, granted: boolean): void {
    if (granted) this.#granted.add(voter);
    else if (!this.#granted.has(voter)) this.#refused.add(voter);
    if (granted) this.#refused.delete(voter);
  }

  get isWon(): boolean {
    return this.#granted.size > this.#voters / 2;
  }

  hasAnswered(voter: NodeId): boolean {
    return this.#granted.has(voter) || this.#refused.has(voter);
  }
}
