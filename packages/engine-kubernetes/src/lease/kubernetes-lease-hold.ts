import type { CallOptions, MonotonicMs } from '@quorate/core';
import type { LeaseHold } from '@quorate/lease';

import type { LeaseWriter, TakenLease } from './lease-writer.ts';

/** A Lease that was taken. */
export class KubernetesLeaseHold implements LeaseHold {
  readonly token: bigint;
  readonly sentAt: MonotonicMs;
  readonly usableFrom: MonotonicMs;
  readonly #writer: LeaseWriter;
  readonly #taken: TakenLease;

  constructor(
    writer: LeaseWriter,
    taken: TakenLease,
    when: { readonly sentAt: MonotonicMs; readonly usableFrom: MonotonicMs },
  ) {
    this.#writer = writer;
    this.#taken = taken;
    this.token = taken.token;
    this.sentAt = when.sentAt;
    this.usableFrom = when.usableFrom;
  }

  renew(options: CallOptions): Promise<MonotonicMs> {
    return this.#writer.renew(this.#taken, this.usableFrom, options);
  }

  release(options: CallOptions): Promise<void> {
    return this.#writer.release(this.usableFrom, options);
  }
}
