import {
  type CallOptions,
  type Clock,
  ClusterError,
  isClusterError,
  linkSignals,
  type MonotonicMs,
  sleep,
  type Timer,
} from '@quorate/core';

import type { Calls } from './calls.ts';
import { grantLease, type LeaseParts, type RenewableLease } from './renewable-lease.ts';

/** A lease that is renewed until it is disposed of, which revokes it, or lost. */
export interface EtcdLease extends AsyncDisposable {
  readonly id: string;
  /** As etcd granted it. */
  readonly ttlMs: number;
  /**
   * Until when it holds for sure: 0.8 of its time after the last successful renewal was *sent*. Moves with renewals. A
   * process that was stopped learns of nothing meanwhile, so what hangs on the lease asks `isValid` each time.
   */
  readonly deadline: MonotonicMs;
  isValid(): boolean;
  /** Aborts when the lease is lost: its deadline has passed, or etcd says that it is over. It can come late. */
  readonly lost: AbortSignal;
  /** Ends renewals and revokes the lease; where that fails it expires, and disposing again tries again. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A lease that was made elsewhere. */
export interface KeptRenewableLease extends EtcdLease {
  /** Ends renewals, and leaves the lease to whoever made it. Nothing of it is valid here any more. */
  leave(): void;
}

/** The part of its time for which a lease is relied on: the rest is for clocks that run differently. */
const RELIED_ON = 0.8;
const RENEWALS_IN_TTL = 6;

export class KeptLease implements KeptRenewableLease {
  readonly #clock: Clock;
  readonly #calls: Calls;
  readonly #lease: RenewableLease;
  readonly #lost = new AbortController();
  /** Aborts when the lease is lost or left, or its client is disposed of. */
  readonly #ended: AbortSignal;
  readonly #left = new AbortController();
  #deadline: MonotonicMs;
  #timer: Timer | undefined;
  #disposing: Promise<void> | undefined;

  /** @param lease which nobody else renews from now on */
  constructor({ clock, calls }: Pick<LeaseParts, 'clock' | 'calls'>, lease: RenewableLease) {
    this.#clock = clock;
    this.#calls = calls;
    this.#lease = lease;
    this.#deadline = lease.sentAt + RELIED_ON * lease.ttlMs;
    const link = linkSignals(this.#left.signal, this.#lost.signal, calls.closed);
    this.#ended = link.signal;
    const onEnd = () => {
      this.#timer?.cancel();
      link[Symbol.dispose]();
    };
    if (this.#ended.aborted) return;
    this.#ended.addEventListener('abort', onEnd, { once: true });
    this.#arm();
    void this.#keep();
  }

  static async grant(parts: LeaseParts, options: CallOptions & { readonly ttlMs: number }): Promise<KeptLease> {
    return new KeptLease(parts, await grantLease(parts, options));
  }

  get id(): string {
    return this.#lease.id;
  }

  get ttlMs(): number {
    return this.#lease.ttlMs;
  }

  get deadline(): MonotonicMs {
    return this.#deadline;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isValid(): boolean {
    return !this.#ended.aborted && this.#clock.now() < this.#deadline;
  }

  leave(): void {
    this.#left.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#revoke().catch((error: unknown) => {
      // It may be tried again.
      this.#disposing = undefined;
      throw error;
    });
    await this.#disposing;
  }

  async #revoke(): Promise<void> {
    this.leave();
    if (!this.#calls.closed.aborted) await this.#lease.revoke();
  }

  async #keep(): Promise<void> {
    for (;;) {
      await sleep(this.#clock, this.ttlMs / RENEWALS_IN_TTL, { signal: this.#ended }).catch(() => undefined);
      if (this.#ended.aborted) return;
      try {
        await this.#renew();
      } catch (error) {
        // What else fails is tried again with the next renewal: the deadline says for how long.
        if (isClusterError(error, 'NOT_FOUND') && !this.#ended.aborted) this.#lose('etcd says that it has expired');
      }
    }
  }

  async #renew(): Promise<void> {
    const beatMs = this.ttlMs / RENEWALS_IN_TTL;
    const limits = { signal: this.#ended, memberTimeoutMs: beatMs, timeoutMs: 2 * beatMs };
    const sentAt = await this.#lease.renew(limits);
    if (this.#ended.aborted || this.#clock.now() >= this.#deadline) return;
    this.#deadline = Math.max(this.#deadline, sentAt + RELIED_ON * this.ttlMs);
  }

  /** One timer, which is set again when renewals have moved the deadline meanwhile. */
  #arm(): void {
    this.#timer = this.#clock.setTimer(Math.max(0, this.#deadline - this.#clock.now()), () => {
      if (this.#clock.now() < this.#deadline) this.#arm();
      else this.#lose('it was not renewed in time');
    });
  }

  #lose(why: string): void {
    this.#deadline = Math.min(this.#deadline, this.#clock.now());
    this.#lost.abort(new ClusterError('TIMEOUT', `lease ${this.id} of etcd is lost: ${why}`));
  }
}
