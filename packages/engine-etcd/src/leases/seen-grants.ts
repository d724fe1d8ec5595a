import type { MonotonicMs } from '@quorate/core';

import type { ToldGrant } from './lease-queue.ts';
import type { LeaseRecord } from './lease-record.ts';

/** A grant that may still be relied on by who has it. */
export interface UnprovenGrant {
  readonly holder: string;
  readonly record: LeaseRecord;
  /** From then on it is over for certain. */
  readonly until: MonotonicMs;
}

interface SeenGrant {
  readonly record: LeaseRecord;
  readonly modRevision: bigint;
  /** Not before who has it sent its last sign of life that etcd took. */
  readonly lastSignAt: MonotonicMs;
  /** Whether it is still told of. */
  readonly isTold: boolean;
}

/**
 * What was seen of others' grants. Each renewal writes the record of the grant again, and giving it back marks it. So one
 * that vanishes is over when it was marked, or when its time has passed since its last sign of life: which is long ago if
 * etcd let it expire, and not if somebody deleted it or revoked its lease.
 */
export class SeenGrants {
  readonly #seen = new Map<string, SeenGrant>();
  /** What is told of an earlier one is known already. */
  #revision = 0n;

  /** Of one that is missing and wasn't seen to go, nobody knows what signs of life there were in between. */
  note(grants: ReadonlyMap<string, ToldGrant>, revision: bigint, now: MonotonicMs): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    for (const [holder, told] of grants) this.#noteOne(holder, told, now);
    for (const [holder, seen] of this.#seen) {
      if (grants.has(holder)) continue;
      if (seen.isTold) this.#seen.set(holder, { ...seen, isTold: false, lastSignAt: now });
      else if (untilOf(seen) <= now) this.#seen.delete(holder);
    }
  }

  /** To be called when a watch, which leaves out nothing, has seen it go. */
  gone(holder: string, { record, modRevision }: ToldGrant, now: MonotonicMs): void {
    if (record.released) {
      this.#seen.delete(holder);
      return;
    }
    const seen = this.#seen.get(holder);
    const lastSignAt = seen?.modRevision === modRevision ? seen.lastSignAt : now;
    this.#seen.set(holder, { record, modRevision, lastSignAt, isTold: false });
  }

  unproven(now: MonotonicMs, except: ReadonlySet<string>): readonly UnprovenGrant[] {
    return [...this.#seen]
      .map(([holder, seen]) => ({ holder, record: seen.record, until: untilOf(seen) }))
      .filter(({ holder, until }) => until > now && !except.has(holder));
  }

  #noteOne(holder: string, { record, modRevision }: ToldGrant, now: MonotonicMs): void {
    const seen = this.#seen.get(holder);
    if (record.released) this.#seen.delete(holder);
    else if (seen?.modRevision === modRevision) this.#seen.set(holder, { ...seen, isTold: true });
    else this.#seen.set(holder, { record, modRevision, lastSignAt: now, isTold: true });
  }
}

function untilOf({ lastSignAt, record }: SeenGrant): MonotonicMs {
  return lastSignAt + record.ttlMs;
}
