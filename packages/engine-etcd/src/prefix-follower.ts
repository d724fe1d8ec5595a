import { type CallOptions, type Clock, linkSignals, type Random, sleep } from '@quorate/core';

import type { Calls } from './calls.ts';
import type { EtcdEntry, EtcdListing, KeySelection } from './etcd-entry.ts';
import { KeySet } from './key-set.ts';
import type { MemberConnection } from './member-connection.ts';
import type { MemberSet } from './member-set.ts';
import { type FailedWatch, PrefixWatch, type WatchEnd } from './prefix-watch.ts';

export interface FollowPlan {
  readonly clock: Clock;
  readonly random: Random;
  readonly calls: Calls;
  readonly members: MemberSet;
  readonly keysOf: KeySelection;
  readonly limit: number;
  readonly livenessMs: number;
  readonly resyncMs: number;
  readonly since: EtcdListing | undefined;
  readonly list: (options: CallOptions) => Promise<EtcdListing>;
  readonly tell: (listing: EtcdListing) => void;
  readonly onGone: ((last: EtcdEntry) => void) | undefined;
}

const PAUSE_MS = 100;

/** Keeps to the keys below a prefix by reading and watching, on whichever member shows signs of life. */
export class PrefixFollower {
  readonly #plan: FollowPlan;
  #keys: KeySet | undefined;
  #hasBegun = false;
  /** Watches in a row that no member confirmed. */
  #failures = 0;

  constructor(plan: FollowPlan) {
    this.#plan = plan;
  }

  /**
   * Ends with the signal, or with the client.
   * @throws ClusterError when no member answers, or none lets it watch
   */
  async run(signal: AbortSignal): Promise<void> {
    using link = linkSignals(signal, this.#plan.calls.closed);
    const either = link.signal;
    try {
      while (!either.aborted) {
        const keys = (this.#keys ??= await this.#begin(either));
        if (!either.aborted) await this.#after(await this.#watch(keys, either), either);
      }
    } catch (error) {
      if (!either.aborted) throw error;
    }
  }

  async #begin(signal: AbortSignal): Promise<KeySet> {
    const { since, list, limit, tell, onGone } = this.#plan;
    const listing = this.#hasBegun || since === undefined ? await list({ signal }) : since;
    this.#hasBegun = true;
    tell(listing);
    return new KeySet(listing, limit, onGone);
  }

  async #watch(keys: KeySet, signal: AbortSignal): Promise<WatchEnd> {
    const { clock, random, keysOf, livenessMs, resyncMs, tell, calls } = this.#plan;
    const { connection, token } = await calls.run('etcd: watch', (connection, { token }) =>
      Promise.resolve({ connection, token }),
    );
    const watch = new PrefixWatch({
      clock,
      connection,
      keysOf,
      keys,
      livenessMs,
      // Nodes that began together don't read together for ever.
      resyncMs: resyncMs * (0.9 + 0.2 * random.next()),
      onChange: () => tell(keys.listing),
    });
    const end = await watch.run({ signal, token });
    if ('error' in end && !signal.aborted) await this.#blame(end, connection, token);
    return end;
  }

  async #blame(end: FailedWatch, connection: MemberConnection, token: string | undefined): Promise<void> {
    const { members } = this.#plan;
    if (!members.refused(end.error, token)) await members.failed(connection, end.reason);
  }

  async #after(end: WatchEnd, signal: AbortSignal): Promise<void> {
    if (!('error' in end)) {
      this.#keys = undefined;
      if (end.reason === 'resync') return;
    } else {
      this.#failures = end.confirmed ? 1 : this.#failures + 1;
      if (this.#failures > this.#plan.members.size) throw end.error;
    }
    await sleep(this.#plan.clock, PAUSE_MS, { signal });
  }
}
