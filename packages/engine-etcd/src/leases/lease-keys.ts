import type { KeyRange } from '../etcd-entry.ts';

/** What a key of a lease is. `holder` tells apart those who want it, by the etcd lease that their keys go with. */
export interface LeaseKey {
  readonly kind: 'place' | 'grant';
  readonly holder: string;
}

const LEASE_ID = /^[0-9a-f]{1,16}$/u;

/**
 * Where a lease is in etcd. Those who want it have a place each, as etcd's own concurrency package lays them out, so that
 * Go programs, `etcdctl elect` and `etcdctl lock` stand in one queue with Quorate: a key below the name, called by the id
 * of its etcd lease; who came first leads. What tells of grants is beside the queue, where they don't look.
 */
export class LeaseKeys {
  readonly #places: string;
  readonly #grants: string;
  /** All keys of this lease, and as good as no others: in the order of keys `.` comes right before `/`. */
  readonly range: KeyRange;

  constructor(name: string) {
    this.#places = `${name}/`;
    this.#grants = `${name}.~`;
    this.range = { from: this.#grants, to: `${name}0` };
  }

  place(holder: string): string {
    return this.#places + holder;
  }

  grant(holder: string): string {
    return this.#grants + holder;
  }

  /** Undefined for a key that is none of this lease. */
  read(key: string): LeaseKey | undefined {
    if (key.startsWith(this.#places)) return { kind: 'place', holder: key.slice(this.#places.length) };
    const holder = key.startsWith(this.#grants) ? key.slice(this.#grants.length) : '';
    return LEASE_ID.test(holder) ? { kind: 'grant', holder } : undefined;
  }
}

/** As Go writes the number of a lease. */
export function holderOf(leaseId: string): string {
  return BigInt(leaseId).toString(16);
}
