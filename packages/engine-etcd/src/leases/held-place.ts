import { type CallOptions, type Clock, ClusterError, isClusterError, type MonotonicMs } from '@quorate/core';

import type { CallLimits } from '../calls.ts';
import type { EtcdClient } from '../etcd-client.ts';
import type { KeptRenewableLease } from '../etcd-lease.ts';
import type { RenewableLease } from '../renewable-lease.ts';
import { holderOf, type LeaseKeys } from './lease-keys.ts';
import { encodeRecord, type LeaseRecord } from './lease-record.ts';

export interface PlaceParts {
  readonly clock: Clock;
  readonly client: EtcdClient;
  readonly keys: LeaseKeys;
  readonly record: LeaseRecord;
  /** How long one member of etcd may take to answer. */
  readonly memberTimeoutMs: number;
}

/** A grant that was taken. */
export interface TakenGrant {
  /** When the oldest of the calls that it rests on was sent. */
  readonly sentAt: MonotonicMs;
  /** At which it was taken. */
  readonly revision: bigint;
}

/** Before it is taken over for good, an etcd lease may be this much of its time old. */
const FRESH_PART = 1 / 4;

/**
 * One place in the queue for a lease, from before it is there until after it has gone. It stands on an etcd lease, which
 * renews itself while the place waits. The record of the grant stands on one of its own: so it is there for everyone who
 * comes when an operator has revoked the first, and expires with it when both are renewed no more.
 */
export class HeldPlace {
  readonly holder: string;
  readonly #parts: PlaceParts;
  readonly #lease: RenewableLease;
  readonly #key: string;
  readonly #limits: CallLimits;
  /** While it waits. */
  #kept: KeptRenewableLease | undefined;
  #createRevision: bigint | undefined;
  /** The lease of the grant's record, from when it was first to be taken. */
  #grantLease: RenewableLease | undefined;
  #isLeft = false;
  #isGone = false;
  #leaving: Promise<void> | undefined;

  private constructor(parts: PlaceParts, lease: RenewableLease) {
    this.#parts = parts;
    this.#lease = lease;
    this.holder = holderOf(lease.id);
    this.#key = parts.keys.place(this.holder);
    this.#limits = { memberTimeoutMs: parts.memberTimeoutMs };
    this.#kept = parts.client.keepLease(lease);
  }

  /** Nothing is in the queue yet. */
  static async open(parts: PlaceParts, { signal }: CallOptions): Promise<HeldPlace> {
    const { client, record, memberTimeoutMs } = parts;
    return new HeldPlace(parts, await client.grantRenewableLease({ ttlMs: record.ttlMs, memberTimeoutMs, signal }));
  }

  /** Whether it was given up: nothing is done with it any more but to take it away. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /**
   * Stands in the queue, since the revision that this resolves with.
   * @throws ClusterError `NOT_FOUND` when its etcd lease is over, and the place with it
   */
  async join({ signal }: CallOptions): Promise<bigint> {
    const { client, record } = this.#parts;
    const limits = { ...this.#limits, signal };
    if (this.#kept?.isValid() === false) {
      await this.#lease.renew(limits);
      this.#kept.leave();
      this.#kept = client.keepLease(this.#lease);
    }
    if (this.#createRevision !== undefined) return this.#createRevision;
    const value = encodeRecord(record);
    const { createRevision } = await client.createIfAbsent(this.#key, value, { lease: this.#lease.id, ...limits });
    this.#createRevision = createRevision;
    return createRevision;
  }

  /** Makes a grant of the place, and from then on leaves it to `renew` to keep it. Undefined when the place has gone. */
  async take({ signal }: CallOptions): Promise<TakenGrant | undefined> {
    const limits = { ...this.#limits, signal };
    await this.#freshen(limits);
    const grantSentAt = await this.#renewGrantLease(limits);
    const sentAt = Math.min(this.#lease.sentAt, grantSentAt);
    const revision = await this.#writeGrant(limits);
    if (revision === undefined) return undefined;
    this.#kept?.leave();
    this.#kept = undefined;
    return { sentAt, revision };
  }

  /**
   * Resolves with when the oldest of the calls was sent that it rests on now.
   * @throws ClusterError `NOT_FOUND` when the place has gone
   */
  async renew({ signal }: CallOptions): Promise<MonotonicMs> {
    const limits = { ...this.#limits, signal };
    const sent = await Promise.all([this.#lease.renew(limits), this.#renewGrantLease(limits)]);
    // Not before: that the key is there when both have been renewed shows that it was when they were sent.
    if ((await this.#writeGrant(limits)) === undefined) {
      throw new ClusterError('NOT_FOUND', `etcd: ${this.#key} has been deleted`);
    }
    return Math.min(...sent);
  }

  /** Takes it away, such that everyone can see that it was given up. Where it fails, it may be tried again. */
  async leave(limits: CallLimits): Promise<void> {
    this.#isLeft = true;
    this.#kept?.leave();
    if (this.#isGone) return;
    this.#leaving ??= this.#takeAway({ ...this.#limits, ...limits }).finally(() => (this.#leaving = undefined));
    await this.#leaving;
  }

  async #takeAway(limits: CallLimits): Promise<void> {
    if (this.#grantLease === undefined) {
      await this.#lease.revoke(limits);
      this.#isGone = true;
      return;
    }
    await this.#writeRelease(limits);
    this.#isGone = true;
    // The key has gone, which is what counts: where this fails they expire.
    await Promise.allSettled([this.#lease.revoke(limits), this.#grantLease.revoke(limits)]);
  }

  /** That it is over can be told, and is, also when somebody else has deleted the key: nobody has to wait then. */
  async #writeRelease(limits: CallLimits): Promise<void> {
    const { client } = this.#parts;
    const deletes = [this.#key];
    try {
      const puts = [this.#grantRecord(true)];
      if ((await client.writeIfCreated(this.#created, { puts, deletes }, limits)) !== undefined) return;
      await this.#putGrantRecord(limits);
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
      // The record went with its lease, which somebody revoked.
      await this.#renewGrantLease(limits);
      await this.#putGrantRecord(limits);
      await client.writeIfCreated(this.#created, { deletes }, limits);
    }
  }

  async #putGrantRecord(limits: CallLimits): Promise<void> {
    const { key, value, lease } = this.#grantRecord(true);
    await this.#parts.client.put(key, value, { lease, ...limits });
  }

  #grantRecord(released: boolean) {
    const { keys, record } = this.#parts;
    const value = encodeRecord({ ...record, released });
    return { key: keys.grant(this.holder), value, lease: this.#grantLease?.id ?? '0' };
  }

  async #freshen(limits: CallLimits): Promise<void> {
    const ageMs = this.#parts.clock.now() - this.#lease.sentAt;
    if (ageMs > FRESH_PART * this.#lease.ttlMs) await this.#lease.renew(limits);
  }

  async #renewGrantLease(limits: CallLimits): Promise<MonotonicMs> {
    try {
      if (this.#grantLease !== undefined) return await this.#grantLease.renew(limits);
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
    }
    const { client, record } = this.#parts;
    this.#grantLease = await client.grantRenewableLease({ ttlMs: record.ttlMs, ...limits });
    return this.#grantLease.sentAt;
  }

  async #writeGrant(limits: CallLimits): Promise<bigint | undefined> {
    try {
      return await this.#parts.client.writeIfCreated(this.#created, { puts: [this.#grantRecord(false)] }, limits);
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
      // Of the grant's own lease, which somebody has just revoked. Another one is made next time.
      throw new ClusterError('REMOTE', 'etcd: the record of the grant was revoked', { cause: error });
    }
  }

  get #created() {
    return { key: this.#key, createRevision: this.#createRevision ?? -1n };
  }
}
