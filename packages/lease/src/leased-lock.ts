import { type CallOptions, ClusterError, type Grant, type HeldLock, type MonotonicMs } from '@quorate/core';
import type { LeaseKeeper } from './lease-keeper.ts';

/** A lock that rests on a lease. */
export class LeasedLock implements HeldLock {
  readonly #grant: Grant;
  readonly #keeper: LeaseKeeper;

  constructor(grant: Grant, keeper: LeaseKeeper) {
    this.#grant = grant;
    this.#keeper = keeper;
  }

  get token(): bigint {
    return this.#grant.token;
  }

  get deadline(): MonotonicMs {
    return this.#grant.deadline;
  }

  get signal(): AbortSignal {
    return this.#grant.signal;
  }

  isValid(): boolean {
    return this.#grant.isValid();
  }

  async release(options: CallOptions): Promise<void> {
    this.#keeper.withdraw(new ClusterError('CLOSED', 'the lock was given back'));
    await this.#keeper.settled(options);
  }
}
