import { type Clock, ClusterError, isClusterError, type MonotonicMs, type Random } from '@quorate/core';

import type { CallLimits, Calls } from './calls.ts';
import { etcdError, isKnownLease } from './etcd-failure.ts';
import type { MemberConnection } from './member-connection.ts';

/** A lease of etcd that lasts for as long as somebody renews it. */
export interface RenewableLease {
  readonly id: string;
  /** As etcd granted it. */
  readonly ttlMs: number;
  /** When the last call by which it was granted or renewed was sent. */
  readonly sentAt: MonotonicMs;
  /**
   * Resolves with when the renewal was sent that succeeded.
   * @throws ClusterError `NOT_FOUND` when etcd says that it is over
   */
  renew(limits?: CallLimits): Promise<MonotonicMs>;
  /** Ends it, and all keys that go with it. One that is over is fine. */
  revoke(limits?: CallLimits): Promise<void>;
}

export interface LeaseParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly calls: Calls;
}

/** Asks etcd for a lease. */
export async function grantLease(
  { clock, random, calls }: LeaseParts,
  { ttlMs, ...limits }: CallLimits & { readonly ttlMs: number },
): Promise<RenewableLease> {
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
    limits,
  );
  return new GrantedLease(clock, calls, granted);
}

interface Granted {
  readonly id: string;
  readonly ttlMs: number;
  /** Before it was asked for first. */
  readonly sentAt: MonotonicMs;
}

class GrantedLease implements RenewableLease {
  readonly id: string;
  readonly #clock: Clock;
  readonly #calls: Calls;
  #ttlMs: number;
  #sentAt: MonotonicMs;

  constructor(clock: Clock, calls: Calls, { id, ttlMs, sentAt }: Granted) {
    this.#clock = clock;
    this.#calls = calls;
    this.id = id;
    this.#ttlMs = ttlMs;
    this.#sentAt = sentAt;
  }

  get ttlMs(): number {
    return this.#ttlMs;
  }

  get sentAt(): MonotonicMs {
    return this.#sentAt;
  }

  async renew(limits: CallLimits = {}): Promise<MonotonicMs> {
    const renewOnMember = async (connection: MemberConnection, details: MemberDetails) => {
      const sentAt = this.#clock.now();
      return { ttlMs: await renewOnce(connection, this.id, details), sentAt };
    };
    const { ttlMs, sentAt } = await this.#calls.run('etcd: renewing a lease', renewOnMember, limits);
    if (ttlMs <= 0) throw new ClusterError('NOT_FOUND', `etcd: lease ${this.id} is over`);
    this.#ttlMs = ttlMs;
    this.#sentAt = Math.max(this.#sentAt, sentAt);
    return this.#sentAt;
  }

  async revoke(limits: CallLimits = {}): Promise<void> {
    const revoke = (connection: MemberConnection, details: MemberDetails) =>
      connection.call('leaseRevoke', { ID: this.id }, details);
    try {
      await this.#calls.run('etcd: revoking a lease', revoke, limits);
    } catch (error) {
      // It has expired, which is as good.
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
    }
  }
}

interface MemberDetails {
  readonly signal: AbortSignal;
  readonly token: string | undefined;
}

/** Milliseconds from when etcd handled it; 0 when the lease is over. */
async function renewOnce(connection: MemberConnection, id: string, details: MemberDetails): Promise<number> {
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
