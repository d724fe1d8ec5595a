import type { LockShare } from './base-locks.ts';

/** Somebody who holds a lock or waits for it. */
export interface LockClaim {
  readonly share: LockShare;
}

/**
 * Who holds one lock and who waits for it, in the order in which they came: nobody is overtaken, so that a writer has to
 * wait for the readers before it only.
 */
export class LockQueue<C extends LockClaim> {
  /** In the order of the grants. */
  readonly holders: Set<C> = new Set<C>();
  /** In the order of coming. */
  readonly waiting: Set<C> = new Set<C>();

  get isEmpty(): boolean {
    return this.holders.size === 0 && this.waiting.size === 0;
  }

  /** Whether it is asked for as those that are there have asked: as a lock, as a read/write lock, or for permits. */
  fits({ share }: C): boolean {
    const [first] = this.holders.size > 0 ? this.holders : this.waiting;
    if (first === undefined) return true;
    if (share.kind === 'permit') return first.share.kind === 'permit' && first.share.permits === share.permits;
    return (share.kind === 'exclusive') === (first.share.kind === 'exclusive') && first.share.kind !== 'permit';
  }

  /** Whether it would be granted at once. */
  isFree(claim: C): boolean {
    return this.waiting.size === 0 && this.#admits(claim);
  }

  /** Takes it out. Whether it was there. */
  remove(claim: C): boolean {
    return this.holders.delete(claim) || this.waiting.delete(claim);
  }

  /** Makes a holder of each whose turn it is, in order. */
  *grants(): Iterable<C> {
    for (const next of this.waiting) {
      if (!this.#admits(next)) return;
      this.waiting.delete(next);
      this.holders.add(next);
      yield next;
    }
  }

  #admits({ share }: C): boolean {
    if (this.holders.size === 0) return true;
    if (share.kind === 'permit') return this.holders.size < share.permits;
    const [first] = this.holders;
    return share.kind === 'read' && first?.share.kind === 'read';
  }
}
