import { type CallOptions, type Clock, ClusterError, type MonotonicMs } from '@quorate/core';

import type { KubernetesObject } from '../object.ts';
import type { LeaseObject } from './lease-object.ts';
import {
  type LeaseFields,
  type LeaseRecord,
  nextTransitions,
  readVersion,
  RELEASED_SECONDS,
  signOf,
  withLease,
} from './lease-record.ts';
import { microTime, nextMicroTime } from './micro-time.ts';

/** How often a write is tried whose object was changed by somebody else meanwhile. */
export const MAX_ATTEMPTS = 4;

/** More of them can't be under way to the server. */
const MOST_ATTEMPTS = 16;
const SECOND_LENGTH = '2006-01-02T15:04:05'.length;

/** What was taken: the write that did it, and the object in which. */
export interface TakenLease {
  readonly token: bigint;
  readonly uid: string;
}

interface Attempt {
  readonly sign: string;
  readonly sentAt: MonotonicMs;
}

/** The writes of one holder, each on the condition that nobody has written since what was seen last. */
export class LeaseWriter {
  readonly identity: string;
  readonly #lease: LeaseObject;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** What the last write that is known to have been done has made. */
  #version: bigint | undefined;
  /** Writes since then that may have been done. */
  #attempts: readonly Attempt[] = [];
  /** The second that was written last, and when it was first. */
  #second = '';
  #secondAt: MonotonicMs = -Infinity;

  constructor(lease: LeaseObject, { clock, identity, ttlMs }: { clock: Clock; identity: string; ttlMs: number }) {
    this.#lease = lease;
    this.#clock = clock;
    this.identity = identity;
    this.#ttlMs = ttlMs;
  }

  /**
   * Whether nobody has written since this holder did: somebody may also have put an old record of it there again. A write
   * that nobody answered counts for as long as no other takes over after it.
   */
  isOwn(record: LeaseRecord | undefined): record is LeaseRecord {
    if (!this.#isHeld(record)) return false;
    const since = this.#clock.now() - this.#ttlMs;
    return (
      record.version === this.#version ||
      this.#attempts.some(({ sign, sentAt }) => sign === record.sign && sentAt > since)
    );
  }

  /** Writes this holder into it, whoever is there; undefined when somebody has written it meanwhile. */
  async acquire(usableFrom: MonotonicMs, options: CallOptions): Promise<TakenLease | undefined> {
    const { record } = this.#lease.observation;
    const acquireTime = this.#nextTime(record);
    const holder = { holderIdentity: this.identity, acquireTime, leaseTransitions: nextTransitions(record) };
    const fields = { ...holder, leaseDurationSeconds: this.#seconds(usableFrom), renewTime: acquireTime };
    const stored = await this.#write(fields, undefined, options);
    if (stored === undefined) return undefined;
    const token = readVersion(stored.metadata.resourceVersion);
    this.#lease.observation.acquired(stored, token, this.#clock.now());
    return { token, uid: uidOf(stored) };
  }

  /**
   * Gives a sign of life.
   * @returns when it was sent
   * @throws ClusterError `NOT_FOUND` when somebody else holds it, or nobody
   */
  async renew(taken: TakenLease, usableFrom: MonotonicMs, options: CallOptions): Promise<MonotonicMs> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { record } = this.#lease.observation;
      if (!this.#isHeld(record) || record.uid !== taken.uid) {
        throw new ClusterError('NOT_FOUND', `kubernetes: the Lease ${this.#lease.name} is held by ${nameOf(record)}`);
      }
      const sentAt = this.#clock.now();
      const renewTime = this.#nextTime(record);
      const holding = { holderIdentity: this.identity, leaseDurationSeconds: this.#seconds(usableFrom), renewTime };
      const stored = await this.#write(holding, taken.token, options);
      if (stored !== undefined) {
        this.#saw(stored);
        return sentAt;
      }
      await this.#lease.read(options);
    }
    throw new ClusterError('REMOTE', `kubernetes: the Lease ${this.#lease.name} is written by others all the time`);
  }

  /** Gives it back if it is held; as usable at once unless whoever had it before may not have ended yet. */
  async release(usableFrom: MonotonicMs, options: CallOptions): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { record } = this.#lease.observation;
      if (!this.#isHeld(record)) return;
      const renewTime = this.#nextTime(record);
      const leftMs = usableFrom - this.#clock.now();
      const seconds = leftMs <= 0 ? RELEASED_SECONDS : RELEASED_SECONDS + Math.ceil(leftMs / 1000);
      const released = { holderIdentity: '', leaseDurationSeconds: seconds, acquireTime: renewTime, renewTime };
      const stored = await this.#write(released, undefined, options);
      if (stored !== undefined) {
        this.#saw(stored);
        return;
      }
      await this.#lease.read(options);
    }
    throw new ClusterError('REMOTE', `kubernetes: the Lease ${this.#lease.name} is written by others all the time`);
  }

  async #write(
    fields: LeaseFields,
    token: bigint | undefined,
    options: CallOptions,
  ): Promise<KubernetesObject | undefined> {
    const stored = await this.#lease.write((object) => {
      const changed = withLease(object, fields, token);
      const attempt = { sign: signOf(changed), sentAt: this.#clock.now() };
      this.#attempts = [...this.#attempts, attempt].slice(-MOST_ATTEMPTS);
      return changed;
    }, options);
    if (stored === undefined) return undefined;
    this.#version = readVersion(stored.metadata.resourceVersion);
    this.#attempts = [];
    return stored;
  }

  #isHeld(record: LeaseRecord | undefined): record is LeaseRecord {
    return record?.holder === this.identity;
  }

  #saw(stored: KubernetesObject): void {
    this.#lease.observation.sawNext(stored, readVersion(stored.metadata.resourceVersion), this.#clock.now());
  }

  #nextTime(record: LeaseRecord | undefined): string {
    const now = this.#clock.now();
    const wallMs = this.#clock.wallTime();
    const time =
      record === undefined ? microTime(wallMs) : nextMicroTime(record.renewTime, wallMs, now - this.#secondAt);
    const second = time.slice(0, SECOND_LENGTH);
    if (second !== this.#second) this.#secondAt = now;
    this.#second = second;
    return time;
  }

  /** Whole seconds, and not before anybody else may use it: who sees no more than this record is to wait as long. */
  #seconds(usableFrom: MonotonicMs): number {
    return Math.ceil(Math.max(this.#ttlMs, usableFrom - this.#clock.now()) / 1000);
  }
}

function uidOf({ metadata }: KubernetesObject): string {
  return typeof metadata['uid'] === 'string' ? metadata['uid'] : '';
}

function nameOf(record: LeaseRecord | undefined): string {
  return record?.holder === undefined ? 'nobody' : JSON.stringify(record.holder.slice(0, 128));
}
