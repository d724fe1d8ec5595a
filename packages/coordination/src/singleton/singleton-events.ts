import type { SlotTime } from '../slots/schedule.ts';
import type { SlotOutcome } from '../slots/slot-claims.ts';

/** A slot, as a run gets it. */
export interface Slot {
  /** The wall time that it stands for, in milliseconds since 1970. The run may begin later. */
  readonly time: SlotTime;
  /** The same for every run of this slot, on whatever node: what effects outside can be made idempotent by. */
  readonly key: string;
  /** How often it was begun, this run included: more than 1 is what a holder has left unfinished. */
  readonly starts: number;
}

/** What a run gets. */
export interface SingletonRun {
  /** Aborts when the leadership has ended or the task is disposed of: it is then waited for, for a bounded time. */
  readonly signal: AbortSignal;
  /** The fencing token of this leadership, to go along with every effect outside. */
  readonly token: bigint;
  /** The same number: what elections with terms call it. */
  readonly term: bigint;
  /** Whether this node still leads, by the clock: to be asked before what can't be fenced. */
  readonly isValid: () => boolean;
  /** From 1; the runs since the last that went well. */
  readonly attempt: number;
  /** With a schedule. */
  readonly slot: Slot | undefined;
}

interface About {
  readonly task: string;
  readonly token: bigint;
  readonly slot: Slot | undefined;
}

/** What a task tells. */
export interface SingletonEvents {
  readonly started: About & { readonly attempt: number };
  /** The run has resolved. */
  readonly finished: About;
  /** The run has rejected; it is tried again after `retryInMs`, or not at all. */
  readonly failed: About & { readonly error: unknown; readonly retryInMs: number | undefined };
  /** The run has ended in time after its signal had aborted. */
  readonly stopped: About & { readonly reason: unknown };
  /** The run goes on though its signal has aborted `afterMs` ago: another node may be running the task too. */
  readonly overran: About & { readonly afterMs: number };
  /** What had overrun has ended. */
  readonly ceased: About;
  /** Slots are not done: nobody began them in time, or what was begun is left as it is. */
  readonly skipped: {
    readonly task: string;
    readonly from: SlotTime;
    readonly to: SlotTime;
    readonly reason: 'missed' | 'interrupted';
  };
  /**
   * Slots are claimed up to a moment that this node's wall clock has not reached: it went back, or another's is ahead. They
   * go on from there, and none is repeated.
   */
  readonly held: { readonly task: string; readonly until: SlotTime; readonly aheadMs: number };
  /** The claims can't be reached; no slot is begun without one, and it is tried again. */
  readonly claimFailed: { readonly task: string; readonly error: unknown; readonly retryInMs: number };
}

/** What a task that runs once does on this node. */
export type SingletonState =
  /** Another node leads, or none. */
  | 'waiting'
  /** This node leads, and gives its predecessor time to stop. */
  | 'settling'
  /** Waits for a slot, or for its claim. */
  | 'scheduled'
  | 'running'
  /** A run has failed; the next is due. */
  | 'retrying'
  /** The run has ended, and there is nothing more to do as long as this node leads. */
  | 'done'
  /** The signal has aborted; the run is waited for. */
  | 'stopping'
  | 'closed';

/** A task that runs once, as this node knows it. */
export interface SingletonStatus {
  readonly task: string;
  readonly state: SingletonState;
  /** While this node leads. */
  readonly token: bigint | undefined;
  /** Whether a run goes on though its time was over: nothing else is begun on this node before it has ended. */
  readonly isOverrunning: boolean;
  /** What runs now, or ran last, on this node. */
  readonly slot: Slot | undefined;
  /** How that ended. */
  readonly outcome: SlotOutcome | undefined;
  /** The wall time of the next slot, while this node leads. */
  readonly nextSlot: SlotTime | undefined;
  readonly lastError: unknown;
}
