import { type Clock, ClusterError, type MonotonicMs, sleep, withDeadline } from '@quorate/core';
import type { ConfChange } from '@quorate/raft';
import { Slots } from '../snapshots/slots.ts';
import type { ChangingGroup, ProposedAt } from './changing-group.ts';
import type { Conditions } from './conditions.ts';

/** A change of the configuration, made up for the members as they are. */
export interface PlannedChange {
  readonly change: ConfChange;
  /** Whether the group is now as the change was to make it. */
  isMade(): boolean;
  /** Whether somebody may have made it and undone it since. */
  mayHaveBeen?(): boolean;
}

/** How long to wait when a leader is handing over, or has too much to do. */
const PAUSE_MS = 20;

/** Has changes of the configuration made by this leader, one after the other. */
export class ConfChanges {
  readonly #clock: Clock;
  readonly #conditions: Conditions;
  readonly #group: () => ChangingGroup;
  readonly #notLeader: () => ClusterError;
  readonly #turn = new Slots(1);
  #isBusy = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly conditions: Conditions;
    /** @throws ClusterError where it doesn't run */
    readonly group: () => ChangingGroup;
    readonly notLeader: () => ClusterError;
  }) {
    this.#clock = parts.clock;
    this.#conditions = parts.conditions;
    this.#group = parts.group;
    this.#notLeader = parts.notLeader;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Resolves when the change is in force, and the group is between no two configurations.
   * @param plan made when the turn of this change has come; undefined where there is nothing to change (any more). What it
   * throws ends this
   * @throws ClusterError `NOT_LEADER`, `OVERLOADED`, `TIMEOUT`, with the outcome
   */
  async make(plan: () => PlannedChange | undefined, deadline: MonotonicMs): Promise<void> {
    using _turn = await this.#takeTurn(deadline);
    this.#isBusy = true;
    try {
      await this.#ready(deadline);
      const planned = plan();
      if (planned !== undefined) await this.#carryThrough(planned, deadline);
    } finally {
      this.#isBusy = false;
    }
  }

  async #takeTurn(deadline: MonotonicMs): Promise<Disposable> {
    const left = Math.max(1, deadline - this.#clock.now());
    const take = (signal: AbortSignal) => this.#turn.take('change the members', { signal });
    try {
      return await withDeadline(this.#clock, left, 'change the members', take);
    } catch (cause) {
      throw overloaded('other changes of the members are under way', cause);
    }
  }

  /** Until this leader knows all earlier changes, and none is under way: it takes no further one before. */
  #ready(deadline: MonotonicMs): Promise<void> {
    const isReady = () => {
      const group = this.#group();
      if (!group.isLeader) throw this.#notLeader();
      return group.leads && !group.isJoint;
    };
    return this.#conditions.until(isReady, deadline, () => overloaded('another change of the members is under way'));
  }

  async #carryThrough(planned: PlannedChange, deadline: MonotonicMs): Promise<void> {
    const { index } = await this.#propose(planned.change, deadline);
    const isKnown = () => planned.isMade() || this.#group().hasApplied(index);
    await this.#conditions.until(isKnown, deadline, () => unknown('was not committed in time; it may be still'));
    // One that has to pass through a joint configuration is made when that is left.
    const isOver = () => planned.isMade() || !this.#group().isJoint;
    await this.#conditions.until(isOver, deadline, () => unknown('is being made, and not done yet'));
    if (planned.isMade()) return;
    if (planned.mayHaveBeen?.() === true) throw unknown('may have been made, and undone since');
    // Another leader's entry stands in its place.
    throw this.#notLeader();
  }

  async #propose(change: ConfChange, deadline: MonotonicMs): Promise<ProposedAt> {
    for (;;) {
      const result = this.#group().proposeChange(change);
      if (typeof result === 'object') return result;
      if (result === 'no-leader' || this.#clock.now() + PAUSE_MS >= deadline) throw this.#notLeader();
      await sleep(this.#clock, PAUSE_MS);
      if (!this.#group().leads) throw this.#notLeader();
    }
  }
}

function overloaded(why: string, cause?: unknown): ClusterError {
  return new ClusterError('OVERLOADED', why, { cause, outcome: 'not-applied' });
}

function unknown(what: string): ClusterError {
  return new ClusterError('TIMEOUT', `the change of the members ${what}`, { outcome: 'unknown' });
}
