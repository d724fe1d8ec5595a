import type { MonotonicMs } from '@quorate/core';

import type { LockEntry } from './lock-entry.ts';

/**
 * Who had a lock before and may still take it to be its own, as far as one who wants it has seen. Consul keeps others away
 * from the key of a session that ended, by its lock-delay; it doesn't when the key was deleted.
 *
 * A holder that isn't ours is believed to keep Consul's rules.
 */
export class FormerHolder {
  readonly #keepsKey: boolean;
  /** Of ours, seen to hold it. */
  #holder: { readonly session: string; readonly ttlMs: number } | undefined;
  #over: MonotonicMs = -Infinity;
  /** Of the record of a new key that was looked at. */
  #newIndex: bigint | undefined;

  /** @param keepsKey whether the key is there even while nobody holds it: one that is gone was deleted by somebody else */
  constructor(keepsKey: boolean) {
    this.#keepsKey = keepsKey;
  }

  /** From when on nobody takes it to be its own who was not seen to give it back. */
  get over(): MonotonicMs {
    return this.#over;
  }

  /**
   * @param at when the answer had come
   * @param own the session of who looks: what that holds is its own affair
   */
  see(entry: LockEntry | undefined, at: MonotonicMs, own: string | undefined): void {
    if (entry?.session === undefined) {
      this.#seeNoHolder(entry, at);
      this.#holder = undefined;
    } else if (entry.session !== own) {
      this.#seeHolder(entry, entry.session, at);
    }
  }

  #seeNoHolder(entry: LockEntry | undefined, at: MonotonicMs): void {
    const { record, modifyIndex } = entry ?? {};
    if (record?.state === 'free') {
      this.#over = -Infinity;
    } else if (record?.state === 'new') {
      if (this.#newIndex !== modifyIndex) this.#suspect(record.ttlMs, at);
      this.#newIndex = modifyIndex;
    } else if (this.#holder !== undefined && (entry !== undefined || this.#keepsKey)) {
      this.#suspect(this.#holder.ttlMs, at);
    }
  }

  #seeHolder({ record }: LockEntry, session: string, at: MonotonicMs): void {
    if (record?.state === 'held') {
      // Whoever has it now passes on how long it may take who had it before.
      this.#holder = { session, ttlMs: record.ttlMs };
      this.#over = -Infinity;
    } else if (this.#holder !== undefined && this.#holder.session !== session) {
      this.#suspect(this.#holder.ttlMs, at);
      this.#holder = undefined;
    }
  }

  #suspect(ttlMs: number, at: MonotonicMs): void {
    this.#over = Math.max(this.#over, at + ttlMs);
  }
}
