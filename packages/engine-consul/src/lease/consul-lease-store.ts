import { type CallOptions, ClusterError, type MonotonicMs } from '@quorate/core';
import type { LeaseHold, LeaseHolder, LeaseRefusal, LeaseRequest, LeaseStore, LeaseView } from '@quorate/lease';

import type { ConsulClient } from '../consul-client.ts';
import { FormerHolder } from './former-holder.ts';
import type { IdleKeys } from './idle-keys.ts';
import type { LockEntry, LockReading } from './lock-entry.ts';
import { LockKey } from './lock-key.ts';
import { LockSession } from './lock-session.ts';

export interface ConsulLeaseSettings {
  readonly sessionTtlMs: number;
  /** Where keys go that are given back; undefined where they stay. */
  readonly idle: IdleKeys | undefined;
}

/** Consul says nothing when a lock-delay ends: it is asked so many times in one time to live, and once a second. */
const ASKS_PER_TTL = 10;
const MAX_PAUSE_MS = 1_000;
/** A connection that was lost in silence is noticed after at most this part of the time to live, and that much again. */
const WAIT_PART = 1 / 4;

/**
 * An exclusive lease that is a key of Consul's and the session that has it. The token is the index at which the key was
 * acquired: the number of the write among all of Consul's, which only grows. The key's own count of locks, `LockIndex`,
 * begins anew when the key is deleted.
 *
 * A grant is over `ttlMs` after its last renewal was sent, and a renewal has seen that the key is held. Until when nobody
 * else of ours uses it, whatever ended it:
 * - the session (it ran out, was destroyed, its agent failed): Consul lets nobody have the key for its lock-delay, `ttlMs`;
 * - the key (it was deleted): whoever takes it waits, as `FormerHolder` says;
 * - the holder gave it back, having ended its grant before.
 */
export class ConsulLeaseStore implements LeaseStore {
  readonly #client: ConsulClient;
  readonly #request: LeaseRequest;
  readonly #idle: IdleKeys | undefined;
  readonly #key: LockKey;
  readonly #session: LockSession;
  readonly #former: FormerHolder;
  /** Whether the key has been read. */
  #hasLooked = false;
  /** The session of an earlier run of this node, which had the key when it was read first. */
  #predecessor: string | undefined;
  /** By the session that has it, what is told as its token; a key that is written into gets another index. */
  #shown: { readonly session: string; readonly token: bigint } | undefined;

  constructor(client: ConsulClient, request: LeaseRequest, settings: ConsulLeaseSettings) {
    const { name, identity, ttlMs } = request;
    const { sessionTtlMs } = settings;
    this.#client = client;
    this.#request = request;
    this.#idle = settings.idle;
    this.#key = new LockKey(client, name);
    this.#session = new LockSession(client, { key: name, identity, sessionTtlMs, lockDelayMs: ttlMs });
    this.#former = new FormerHolder(settings.idle === undefined);
  }

  async follow(tell: (view: LeaseView) => void, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const waitMs = Math.max(1_000, this.#request.ttlMs * WAIT_PART);
    using changes = this.#key.changes({ waitMs, timeoutMs: waitMs });
    for (let newest = 0n; !signal.aborted;) {
      let reading = this.#key.parse(await changes.next({ signal }));
      // Told by one that was the leader, or Consul was restored from a copy: then this begins again.
      if (reading.revision < newest) reading = await this.#key.read({ signal });
      if (reading.revision < newest) return;
      newest = reading.revision;
      this.#see(reading);
      tell({ holder: this.#holderOf(reading.entry), revision: reading.revision });
    }
  }

  async acquire(options: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const sentAt = this.#now;
    const entry = (await this.#read(options)) ?? (await this.#create(options));
    if (entry === undefined) return { retryAt: this.#now };
    const { session } = entry;
    if (session !== undefined && session === this.#session.id)
      return this.#hold(session, this.#tokenOf(session, entry), sentAt);
    if (session === undefined) return await this.#take(entry, options);
    await this.#session.end(options);
    // Nobody needs it any more, and it would last for long; the lock-delay keeps the key from everybody all the same.
    if (session === this.#predecessor) await this.#session.endOther(session, options);
    return {};
  }

  async withdraw(options: CallOptions): Promise<void> {
    await this.#giveBack(this.#former.over, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  get #now(): MonotonicMs {
    return this.#client.clock.now();
  }

  async #read(options: CallOptions): Promise<LockEntry | undefined> {
    const reading = await this.#key.read(options);
    this.#see(reading);
    return reading.entry;
  }

  #see({ entry }: LockReading): void {
    this.#former.see(entry, this.#now, this.#session.id);
    if (!this.#hasLooked && this.#isOfAnotherRun(entry)) this.#predecessor = entry?.session;
    this.#hasLooked = true;
  }

  #isOfAnotherRun(entry: LockEntry | undefined): boolean {
    if (entry?.record?.state !== 'held') return false;
    const { nodeId, incarnation } = entry.record.holder;
    return nodeId === this.#request.identity.nodeId && incarnation !== this.#request.identity.incarnation;
  }

  /** The key, which was not there; undefined when somebody else was first. */
  async #create(options: CallOptions): Promise<LockEntry | undefined> {
    const mayHoldForMs = await this.#session.othersMayHoldForMs(options);
    const ttlMs = Math.ceil(Math.max(0, mayHoldForMs ?? 0, this.#former.over - this.#now));
    const outcome = await this.#key.create({ state: 'new', ttlMs }, options);
    return outcome.kind === 'done' ? await this.#read(options) : undefined;
  }

  async #take(entry: LockEntry, options: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    if (entry.isSemaphore) {
      throw new ClusterError('REFUSED', `consul ${this.#client.address}: ${this.#key.name} is a semaphore, not a lock`);
    }
    const session = await this.#session.ensure(options);
    const sentAt = this.#now;
    const ttlMs = Math.ceil(Math.max(this.#request.ttlMs, this.#former.over - sentAt));
    const outcome = await this.#key.lock(
      session,
      entry,
      { state: 'held', holder: this.#request.identity, ttlMs },
      options,
    );
    if (outcome.kind === 'done') return this.#hold(session, outcome.modifyIndex, sentAt);
    if (outcome.kind === 'delayed')
      return { retryAt: this.#now + Math.min(MAX_PAUSE_MS, this.#request.ttlMs / ASKS_PER_TTL) };
    return { retryAt: this.#now };
  }

  #hold(session: string, token: bigint, sentAt: MonotonicMs): LeaseHold {
    this.#shown = { session, token };
    this.#idle?.delete(this.#key);
    const usableFrom = Math.max(sentAt, this.#former.over);
    return {
      token,
      sentAt,
      usableFrom,
      renew: (options) => this.#renew(session, token, options),
      release: (options) => this.#giveBack(usableFrom, options),
    };
  }

  async #renew(session: string, token: bigint, options: CallOptions): Promise<MonotonicMs> {
    const sentAt = this.#now;
    const [{ entry }] = await Promise.all([this.#key.read(options), this.#session.renew(session, options)]);
    if (entry?.session === session) return sentAt;
    const what = entry === undefined ? 'was deleted' : 'is not of its session any more';
    throw new ClusterError('NOT_FOUND', `consul ${this.#client.address}: ${this.#key.name} of ${token} ${what}`);
  }

  /**
   * The key before its session, whose end would put a lock-delay on it.
   * @param usableFrom from when on nobody takes it to be its own who had it before
   */
  async #giveBack(usableFrom: MonotonicMs, options: CallOptions): Promise<void> {
    const session = this.#session.id;
    if (session === undefined) return;
    const ttlMs = Math.ceil(usableFrom - this.#now);
    const unlocked = await this.#key.unlock(session, ttlMs > 0 ? { state: 'new', ttlMs } : { state: 'free' }, options);
    await this.#session.end(options);
    if (unlocked.kind === 'done' && ttlMs <= 0) this.#idle?.add(this.#key, unlocked.modifyIndex, this.#request.ttlMs);
  }

  #holderOf(entry: LockEntry | undefined): LeaseHolder | undefined {
    if (entry?.session === undefined) return undefined;
    const { session, record, name } = entry;
    const token = this.#tokenOf(session, entry);
    if (session === this.#session.id) return { nodeId: this.#request.identity.nodeId, token };
    return { nodeId: record?.state === 'held' ? record.holder.nodeId : (name ?? session), token };
  }

  #tokenOf(session: string, { modifyIndex }: LockEntry): bigint {
    if (this.#shown?.session !== session) this.#shown = { session, token: modifyIndex };
    return this.#shown.token;
  }
}
