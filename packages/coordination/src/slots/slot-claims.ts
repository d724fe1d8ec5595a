import type { CallOptions } from '@quorate/core';
import type { SlotTime } from './schedule.ts';

/** How a slot ended. */
export type SlotOutcome = 'completed' | 'failed' | 'skipped';

/** What is kept of a task: its last slot. */
export interface SlotRecord {
  /** All slots up to this one have been claimed, or skipped. */
  readonly last: SlotTime;
  /** Undefined while its claimant is at it, or has died over it. */
  readonly outcome: SlotOutcome | undefined;
  /** How often it was begun by a claimant. */
  readonly starts: number;
}

/** A slot that a holder claims for a task. */
export interface SlotClaim {
  readonly task: string;
  readonly slot: SlotTime;
  /** The fencing token of who claims. */
  readonly token: bigint;
}

/**
 * Keeps, for all nodes, which slots of a task were claimed. A claim is made once: it names the slot before, and is
 * refused when another has been claimed since. Every call may be repeated when nobody knows what became of it: the same
 * claim of the same token is the same claim.
 *
 * All of them reject with `STALE_TOKEN` once a higher token has opened the task.
 */
export interface SlotClaims {
  /**
   * Begins a holder's time: from now on lower tokens are refused.
   * @param from where the slots of a task begin that is not known yet
   */
  open(task: string, token: bigint, from: SlotTime, options?: CallOptions): Promise<SlotRecord>;
  /**
   * Claims a slot, and with it all between `after`, which is what `open` or the last claim said, and it.
   * @returns false when something else was claimed since: open it again
   */
  claim(claim: SlotClaim & { readonly after: SlotTime }, options?: CallOptions): Promise<boolean>;
  /** Claims again what a holder has left unfinished, when it was begun so often. False as for `claim`. */
  reclaim(claim: SlotClaim & { readonly starts: number }, options?: CallOptions): Promise<boolean>;
  /** Says how the claimed slot ended. */
  settle(claim: SlotClaim & { readonly outcome: SlotOutcome }, options?: CallOptions): Promise<void>;
  /**
   * Forgets a task: one that is given up, or whose slots were claimed into a future that a wall clock has invented. Its
   * holder begins anew with the present.
   */
  forget(task: string, options?: CallOptions): Promise<void>;
}
