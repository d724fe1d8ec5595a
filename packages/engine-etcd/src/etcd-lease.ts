import {
  type CallOptions,
  type Clock,
  ClusterError,
  isClusterError,
  type MonotonicMs,
  type Random,
  sleep,
  type Timer,
} from '@quorate/core';

import type { Calls } from './calls.ts';
import { etcdError, isKnownLease } from './etcd-failure.ts';
import type { MemberConnection } from './member-connection.ts';

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

/** The part of its time for which a lease is relied on: the rest is for clocks that run differently. */
const RELIED_ON = 0.8;
const RENEWALS_IN_TTL = 6;

export class KeptLease implements EtcdLease {
  readonly id: string;
  readonly #clock: Clock;
  readonly #calls: Calls;
  readonly #lost = new AbortController();
  /** Aborts when the lease is lost, disposed of or its client is. */
  readonly #ended: AbortSignal;
  readonly #disposed = new AbortController();
  #ttlMs: number;
  #deadline: MonotonicMs;
  #timer: Timer | undefined;
  #disposing: Promise<void> | undefined;

  private constructor(clock: Clock, calls: Calls, granted: Granted) {
    this.#clock = clock;
    this.#calls = calls;
    this.id = granted.id;
    this.#ttlMs = granted.ttlMs;
    this.#deadline = granted.sentAt + RELIED_ON * granted.ttlMs;
    this.#ended = AbortSignal.any([this.#disposed.signal, this.#lost.signal, calls.closed]);
    this.#ended.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
    this.#arm();
    void this.#keep();
  }

  static async grant(
    parts: LeaseParts,
    { ttlMs, signal }: CallOptions & { readonly ttlMs: number },
  ): Promise<KeptLease> {
    const { clock, calls, random } = parts;
    // Chosen here, so that a grant which is repeated is the same lease. etcd's own ids have 63 bits, of which JavaScript
    // loses ten where its client doesn't find the package that it writes them with.
    const id = String(1 + Math.floor(random.next() * Number.MAX_SAFE_INTEGER));
    const seconds = Math.ceil(ttlMs / 1000);
    let firstSentAt: MonotonicMs | undefined;
    const granted = await calls.run(
      'etcd: granting a lease',
      async (connection, details) => {
        const isFirst = firstSentAt === undefined;
        firstSentAt ??= clock.now();
        try {
          const answer = await connection.call('leaseGrant', { TTL: seconds, ID: id }, details);
          return { id, ttlMs: Number(answer.TTL) * 1000, sentAt: firstSentAt };
        } catch (error) {
          // The answer got lost, not the grant.
          if (!isFirst && isKnownLease(error)) return { id, ttlMs: seconds * 1000, sentAt: firstSentAt };
          throw error;
        }
      },
      { signal },
    );
    return new KeptLease(clock, calls, granted);
  }

  get ttlMs(): number {
    return this.#ttlMs;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#revoke().catch((error: unknown) => {
      // It may be tried again.
      this.#disposing = undefined;
      throw error;
    });
    await this.#disposing;
  }

  async #revoke(): Promise<void> {
    this.#disposed.abort();
    if (this.#calls.closed.aborted) return;
    const revoke = (connection: MemberConnection, details: { signal: AbortSignal; token: string | undefined }) =>
      connection.call('leaseRevoke', { ID: this.id }, details);
    try {
      await this.#calls.run('etcd: revoking a lease', revoke);
    } catch (error) {
      // It has expired, which is as good.
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
    }
  }

  async #keep(): Promise<void> {
    for (;;) {
      await sleep(this.#clock, this.#ttlMs / RENEWALS_IN_TTL, { signal: this.#ended }).catch(() => undefined);
      if (this.#ended.aborted) return;
      // What fails is tried again with the next renewal: the deadline says for how long.
      await this.#renew().catch(() => undefined);
    }
  }

  async #renew(): Promise<void> {
    const beatMs = this.#ttlMs / RENEWALS_IN_TTL;
    const limits = { signal: this.#ended, memberTimeoutMs: beatMs, timeoutMs: 2 * beatMs };
    const { ttlMs, sentAt } = await this.#calls.run(
      'etcd: renewing a lease',
      async (connection, details) => {
        const sentAt = this.#clock.now();
        return { ttlMs: await renewOnce(connection, this.id, details), sentAt };
      },
      limits,
    );
    if (this.#ended.aborted) return;
    if (ttlMs <= 0) {
      this.#lose('etcd says that it has expired');
      return;
    }
    if (this.#clock.now() >= this.#deadline) return;
    this.#ttlMs = ttlMs;
    this.#deadline = Math.max(this.#deadline, sentAt + RELIED_ON * ttlMs);
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

export interface LeaseParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly calls: Calls;
}

interface Granted {
  readonly id: string;
  readonly ttlMs: number;
  /** Before it was asked for first. */
  readonly sentAt: MonotonicMs;
}

/** Milliseconds from when etcd handled it; 0 when the lease is over. */
async function renewOnce(
  connection: MemberConnection,
  id: string,
  details: { readonly signal: AbortSignal; readonly token: string | undefined },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const onAbort = () => reject(etcdError({ code: 1, details: 'given up' }, 'etcd: renewing a lease'));
  details.signal.addEventListener('abort', onAbort, { once: true });
  promise.catch(() => undefined);
  const stream = await connection.stream(
    'leaseKeepAlive',
    { answer: ({ TTL }) => resolve(Number(TTL) * 1000), end: reject },
    details,
  );
  try {
    stream.send({ ID: id });
    return await promise;
  } finally {
    details.signal.removeEventListener('abort', onAbort);
    stream.close();
  }
}
