/** What makes reads by lease safe. All nodes of a group need the same. */
export interface LeaseConfig {
  /** Monotonic milliseconds, which go on while the process or its machine is paused. */
  readonly now: () => number;
  /** The pace of ticks: on no node do more than `t / tickMs + 1` of them come in `t` ms. */
  readonly tickMs: number;
  /** By how much one node's clock may run faster than another's, as a fraction: 0.01 for one percent. */
  readonly maxDrift: number;
}

/**
 * A leader's right to answer reads by itself: nobody else can lead before it ends (dissertation, 6.4.1). Each follower
 * promises, on hearing from a leader, to vote for no other for `electionTicks`; a quorum that answered a round of
 * heartbeats has promised no earlier than when the round was sent.
 */
export class Lease {
  readonly #now: () => number;
  readonly #durationMs: number;
  /** Rounds sent and not yet confirmed, oldest first; those too old to give a lease are dropped. */
  #rounds: { readonly round: number; readonly sentAt: number }[] = [];
  #until = -Infinity;
  #isForfeited = false;

  constructor({ now, tickMs, maxDrift }: LeaseConfig, electionTicks: number) {
    this.#now = now;
    // A promise may begin just before a tick: that one is not counted on.
    this.#durationMs = (electionTicks - 1) * tickMs * (1 - maxDrift);
  }

  get isValid(): boolean {
    return this.#now() < this.until;
  }

  /** On this node's clock; -Infinity without a lease. */
  get until(): number {
    return this.#isForfeited ? -Infinity : this.#until;
  }

  /** A round of heartbeats is about to be sent. */
  roundSent(round: number): void {
    const sentAt = this.#now();
    while (this.#rounds[0] && this.#rounds[0].sentAt + this.#durationMs <= sentAt) this.#rounds.shift();
    this.#rounds.push({ round, sentAt });
  }

  /** A quorum has answered all rounds up to this one. */
  confirmed(round: number): void {
    for (let oldest = this.#rounds[0]; oldest && oldest.round <= round; oldest = this.#rounds[0]) {
      this.#until = oldest.sentAt + this.#durationMs;
      this.#rounds.shift();
    }
  }

  /**
   * Another set of voters. The quorum that made the last promises shares a node with each that may elect from now on: a
   * later change is not committed before a quorum of this set has heard from this leader again. But answers to the rounds
   * of before must not be counted among the voters of now.
   */
  votersChanged(): void {
    this.#rounds = [];
  }

  /** What has been promised counts no longer: another term. */
  void(): void {
    this.#rounds = [];
    this.#until = -Infinity;
  }

  /** The leader has told another node to campaign, which overrides all promises. Holds until the term ends. */
  forfeit(): void {
    this.#isForfeited = true;
  }

  /** Another term begins. */
  reset(): void {
    this.void();
    this.#isForfeited = false;
  }
}
