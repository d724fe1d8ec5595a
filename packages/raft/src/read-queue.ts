import { type JointVoters, jointCommitted } from './quorum/joint.ts';

/** A read that waits for proof that its leader still is one. */
export interface PendingRead {
  /** Who asked; this node itself or another. */
  readonly from: number;
  /** The asker's name for it, handed back. */
  readonly context: Uint8Array;
  /** The commit index when it began to count: the read must see at least that. */
  index: number;
  /** The round of heartbeats that must be answered by a quorum; `NOT_OPEN` while the leader doesn't know enough. */
  round: number;
}

const NOT_OPEN = Infinity;

/**
 * Reads that wait for a round of heartbeats (dissertation, 6.4). Rounds are numbered by the leader, never by the
 * asker: a late answer to an old round can't be mistaken for one to a new read that has the same name.
 */
export class ReadQueue {
  /** Never starts anew while the process lives, so that a round's number means one round. */
  #lastRound = 0;
  /** In the order of asking: first those with a round, ascending, then those not open. */
  #pending: PendingRead[] = [];
  /** The highest round each node has answered. Answering one answers all before it. */
  #answered: Map<number, number> | undefined;

  get size(): number {
    return this.#pending.length;
  }

  add(from: number, context: Uint8Array): void {
    this.#pending.push({ from, context, index: 0, round: NOT_OPEN });
  }

  /** Whether there are reads that no round is open for. */
  get hasNew(): boolean {
    return this.#pending.at(-1)?.round === NOT_OPEN;
  }

  /** Begins a round, which the leader answers itself, at once. */
  beginRound(leader: number): number {
    this.#lastRound += 1;
    this.answer(leader, this.#lastRound);
    return this.#lastRound;
  }

  /** The new reads wait for the latest round, and must see the log up to `index`. */
  open(index: number): void {
    for (let i = this.#pending.length - 1; i >= 0; i -= 1) {
      const read = this.#pending[i] as PendingRead;
      if (read.round !== NOT_OPEN) break;
      read.index = index;
      read.round = this.#lastRound;
    }
  }

  get lastRound(): number {
    return this.#lastRound;
  }

  /** The round which, answered, confirms all reads that have one. 0 if there are none. */
  get openRound(): number {
    const first = this.#pending[0];
    return first === undefined || first.round === NOT_OPEN ? 0 : this.#lastRound;
  }

  answer(id: number, round: number): void {
    if (round > this.#lastRound || round <= (this.#answered?.get(id) ?? 0)) return;
    (this.#answered ??= new Map()).set(id, round);
  }

  /** The last round that a quorum of `voters` has answered. */
  confirmedRound(voters: JointVoters): number {
    return Math.min(
      this.#lastRound,
      jointCommitted(voters, (id) => this.#answered?.get(id)),
    );
  }

  /** Takes out the reads that wait for this round or an earlier one, in the order of asking. */
  takeConfirmed(round: number): readonly PendingRead[] {
    const open = this.#pending.findIndex((read) => read.round > round);
    return this.#pending.splice(0, open === -1 ? this.#pending.length : open);
  }

  clear(): void {
    this.#pending = [];
    this.#answered = undefined;
  }
}
