import { type CallOptions, isClusterError, type LeaderElection, type Locks } from '@quorate/core';

/** The time during which a task is this node's: a grant of leadership, or a lock that is held. */
export interface Tenure {
  readonly token: bigint;
  /** Aborts soon after the end. */
  readonly signal: AbortSignal;
  /** Whether it lasts, by the clock. */
  isValid(): boolean;
}

/** This node's tenures as they come, one after the other; ends with the signal, or where they come from. */
export type Tenures = (options: CallOptions) => AsyncIterable<Tenure>;

/** One for each grant. It doesn't stand for election. */
export function grantsOf(election: LeaderElection): Tenures {
  return async function* grants(options) {
    let last: bigint | undefined;
    for await (const _ of election.watch(options)) {
      const { leadership } = election;
      if (leadership?.isValid() !== true || leadership.token === last) continue;
      last = leadership.token;
      yield leadership;
    }
  };
}

/** Waits for the lock again and again, and gives it back when the reader is through with it. */
export function holdsOf(locks: Locks, name: string): Tenures {
  return async function* holds(options) {
    while (options.signal?.aborted !== true) {
      let lock;
      try {
        lock = await locks.lock(name, options);
      } catch (error) {
        if (isClusterError(error, 'CLOSED') || isClusterError(error, 'ABORTED')) return;
        throw error;
      }
      await using held = lock;
      yield held;
    }
  };
}
