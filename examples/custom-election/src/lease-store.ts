import type { CallOptions } from '@quorate/core';

/** Who holds the lease, and the token of that holding. */
export interface Lease {
  readonly holder: string;
  /** Greater than that of every lease before, also of the same holder's. */
  readonly token: bigint;
}

/** What the election needs of a database: one row with a time to live, and compare-and-set. */
export interface LeaseStore {
  /** Takes the lease where it is free, renews it where `holder` has it, and tells who has it then. */
  acquire(holder: string, ttlMs: number, options?: CallOptions): Promise<Lease>;
  read(options?: CallOptions): Promise<Lease | undefined>;
  /** Frees the lease where `holder` has it. */
  release(holder: string, options?: CallOptions): Promise<void>;
}
