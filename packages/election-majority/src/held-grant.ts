import type { MonotonicMs, NodeId, Random } from '@quorate/core';
import type { Ballot } from './ballot.ts';
import { LeaseLedger } from './lease-ledger.ts';

export interface HeldGrantConfig {
  readonly self: NodeId;
  readonly voters: number;
  /** How long it lasts from the sending of what renewed it. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly random: Random;
}

/** What a leader holds: a lease on the promises of a majority, renewed by the rounds of heartbeats that it answers. */
export class HeldGrant {
  readonly term: number;
  readonly #config: HeldGrantConfig;
  readonly #ledger: LeaseLedger;
  #deadline: MonotonicMs;
  #heartbeatDue: MonotonicMs;

  /** @param ballot that was won */
  constructor(config: HeldGrantConfig, ballot: Ballot, now: MonotonicMs) {
    const { self, voters, leaseMs, random } = config;
    this.#config = config;
    this.term = ballot.term;
    this.#ledger = new LeaseLedger(Math.floor(voters / 2), random.int(2 ** 32));
    for (const voter of ballot.granted) if (voter !== self) this.#ledger.record(voter, ballot.startedAt);
    this.#deadline = this.#ledger.heldSince(ballot.startedAt) + leaseMs;
    this.#heartbeatDue = now;
  }

  /** From then on it is over. */
  get deadline(): MonotonicMs {
    return this.#deadline;
  }

  get heartbeatDue(): MonotonicMs {
    return this.#heartbeatDue;
  }

  /** Of heartbeats, the latest. */
  get round(): number {
    return this.#ledger.round;
  }

  /** Begins a round of heartbeats. A majority of one renews its grant by itself. */
  openRound(now: MonotonicMs): number {
    const { voters, heartbeatMs } = this.#config;
    const round = this.#ledger.open(now);
    if (voters === 1) this.#renew(now);
    this.#heartbeatDue = now + heartbeatMs;
    return round;
  }

  /** False when the round is not known any more. */
  acknowledge(voter: NodeId, round: number, now: MonotonicMs): boolean {
    if (!this.#ledger.acknowledge(voter, round)) return false;
    this.#renew(now);
    return true;
  }

  #renew(now: MonotonicMs): void {
    this.#deadline = Math.max(this.#deadline, this.#ledger.heldSince(now) + this.#config.leaseMs);
  }
}
