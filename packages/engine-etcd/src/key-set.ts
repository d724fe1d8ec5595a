import type { IEvent } from 'etcd3';

import { type EtcdEntry, type EtcdListing, MAX_LISTING_BYTES, readEntry } from './etcd-entry.ts';

/** The keys below a prefix as a listing told them, and what a watch changed since. */
export class KeySet {
  readonly #entries: Map<string, EtcdEntry>;
  readonly #limit: number;
  readonly #onGone: ((last: EtcdEntry) => void) | undefined;
  #revision: bigint;
  #complete: boolean;
  /** Of all values. */
  #bytes: number;

  /** @param onGone told of each key that goes, with what it had last */
  constructor({ entries, revision, complete }: EtcdListing, limit: number, onGone?: (last: EtcdEntry) => void) {
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
    this.#revision = revision;
    this.#complete = complete;
    this.#limit = limit;
    this.#onGone = onGone;
    this.#bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
  }

  /** Up to and with which changes are known. */
  get revision(): bigint {
    return this.#revision;
  }

  get listing(): EtcdListing {
    const entries = [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return { entries, revision: this.#revision, complete: this.#complete };
  }

  /** Applies what a watch told, of whatever revision: what is known already is passed over. True when anything is new. */
  apply(events: readonly IEvent[]): boolean {
    const before = this.#revision;
    let changed = false;
    for (const { type, kv } of events) {
      const entry = readEntry(kv);
      if (entry.modRevision <= before) continue;
      if (entry.modRevision > this.#revision) this.#revision = entry.modRevision;
      if (this.#change(entry, type === 'Delete')) changed = true;
    }
    return changed;
  }

  #change(entry: EtcdEntry, isGone: boolean): boolean {
    const former = this.#entries.get(entry.key);
    this.#bytes -= former?.value.length ?? 0;
    if (isGone || isDeletion(entry)) {
      if (former !== undefined) this.#onGone?.(former);
      return this.#entries.delete(entry.key);
    }
    const isRoom = former !== undefined || this.#entries.size < this.#limit;
    if (!isRoom || this.#bytes + entry.value.length > MAX_LISTING_BYTES) {
      const wasComplete = this.#complete;
      this.#complete = false;
      return this.#entries.delete(entry.key) || wasComplete;
    }
    this.#bytes += entry.value.length;
    this.#entries.set(entry.key, entry);
    return true;
  }
}

/** What etcd tells of a deleted key has no creation. */
function isDeletion({ createRevision }: EtcdEntry): boolean {
  return createRevision === 0n;
}
