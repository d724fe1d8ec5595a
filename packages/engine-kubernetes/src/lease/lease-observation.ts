import type { MonotonicMs } from '@quorate/core';
import type { LeaseView } from '@quorate/lease';

import type { KubernetesObject } from '../object.ts';
import { nodeOfHolder } from './holder-identity.ts';
import { type LeaseRecord, readLease } from './lease-record.ts';

/** Holders that are remembered one by one; more of them at a time count as one nobody. */
const MAX_HOLDERS = 16;
/** Whoever may have held it without being known by name. */
const SOMEBODY = '';

export interface ObservationOptions {
  /** For how long at least a holder is believed to hold it. */
  readonly ttlMs: number;
  /** Whether who finds no Lease waits for as long as somebody unseen, whose Lease was deleted, might go on. */
  readonly waitsWhenAbsent: boolean;
}

/**
 * What one process has seen of a Lease, and until when by its own clock whoever it saw may still take it to be theirs. Nobody's
 * clock is compared with another's: a holder is believed for the duration of its record from each *observed change* of
 * it, which comes after the write that the holder counts from.
 */
export class LeaseObservation {
  readonly #options: ObservationOptions;
  readonly #listeners = new Set<() => void>();
  /** By the holder's identity. What has passed is dropped when something is seen. */
  readonly #heldUntil = new Map<string, MonotonicMs>();
  #object: KubernetesObject | undefined;
  #record: LeaseRecord | undefined;
  /** The newest that is known of; undefined while nothing is. */
  #version: bigint | undefined;
  #token: bigint | undefined;

  constructor(options: ObservationOptions) {
    this.#options = options;
  }

  get object(): KubernetesObject | undefined {
    return this.#object;
  }

  get record(): LeaseRecord | undefined {
    return this.#record;
  }

  get version(): bigint | undefined {
    return this.#version;
  }

  /** Calls back after each change, until it is disposed of. */
  listen(callback: () => void): Disposable {
    this.#listeners.add(callback);
    return { [Symbol.dispose]: () => this.#listeners.delete(callback) };
  }

  /**
   * Takes in a state of the object, undefined when there was none; one older than what is known is ignored. What was before
   * it may have been missed.
   * @param version of the state
   * @throws ClusterError `PROTOCOL`
   */
  saw(object: KubernetesObject | undefined, version: bigint, now: MonotonicMs): void {
    this.#take(object, version, now, true);
  }

  /** Like `saw`, of the very next state after the one that is known. */
  sawNext(object: KubernetesObject | undefined, version: bigint, now: MonotonicMs): void {
    this.#take(object, version, now, false);
  }

  #take(object: KubernetesObject | undefined, version: bigint, now: MonotonicMs, mayHaveMissed: boolean): void {
    if (this.#version !== undefined && version < this.#version) return;
    const before = this.#record;
    const isFirst = this.#version === undefined;
    const next = object === undefined ? undefined : readLease(object);
    this.#version = version;
    this.#object = object;
    this.#record = next;
    // Of the one that is known nothing was missed.
    const hasMissed = mayHaveMissed && next?.version !== before?.version;
    this.#believe(before, next, { isFirst, hasMissed }, now);
    const isSameTenure = next !== undefined && next.uid === before?.uid && next.tenure === before.tenure;
    const noted = next?.token;
    if (noted !== undefined && noted <= version) this.#token = noted;
    else if (!isSameTenure) this.#token = next?.version;
    for (const listener of this.#listeners) listener();
  }

  /** Takes in what a write of our own has made of it, by which it was taken. */
  acquired(object: KubernetesObject, token: bigint, now: MonotonicMs): void {
    this.sawNext(object, token, now);
    if (this.#version === token) this.#token = token;
  }

  /** Forgets what was seen, but not who may hold it: the server has gone back to an earlier state. */
  wentBack(): void {
    this.#version = undefined;
    this.#object = undefined;
    this.#record = undefined;
    this.#token = undefined;
  }

  /** Until when the holder that is written there is believed; undefined when there is none, or not any more. */
  heldUntil(now: MonotonicMs): MonotonicMs | undefined {
    const holder = this.#record?.holder;
    const until = holder === undefined ? undefined : this.#heldUntil.get(holder);
    return until !== undefined && until > now ? until : undefined;
  }

  /** From when on nobody but this one can take it to be theirs. */
  freeFrom(identity: string, now: MonotonicMs): MonotonicMs {
    const others = [...this.#heldUntil].filter(([holder]) => holder !== identity);
    return Math.max(now, ...others.map(([, until]) => until));
  }

  /** Undefined before anything was seen. */
  view(now: MonotonicMs): LeaseView | undefined {
    const version = this.#version;
    if (version === undefined) return undefined;
    const holder = this.#record?.holder;
    if (holder === undefined || this.heldUntil(now) === undefined) return { holder: undefined, revision: version };
    return { holder: { nodeId: nodeOfHolder(holder), token: this.#token ?? version }, revision: version };
  }

  /** Whether it is worth remembering. */
  matters(now: MonotonicMs): boolean {
    return this.#listeners.size > 0 || [...this.#heldUntil.values()].some((until) => until > now);
  }

  #believe(
    before: LeaseRecord | undefined,
    next: LeaseRecord | undefined,
    { isFirst, hasMissed }: { readonly isFirst: boolean; readonly hasMissed: boolean },
    now: MonotonicMs,
  ): void {
    for (const [holder, until] of this.#heldUntil) if (until <= now) this.#heldUntil.delete(holder);
    // A release of what came before the tenure that was seen is an old record which somebody has put there again.
    if (next?.released === true && next.transitions >= (before?.transitions ?? 0)) {
      this.#heldUntil.clear();
      return;
    }
    const isSame = next !== undefined && next.uid === before?.uid;
    // It wasn't seen to give it back, and may have renewed unseen until just before.
    if (before?.holder !== undefined && !(isSame && next.holder === before.holder)) {
      this.#extend(before.holder, now + this.#durationOf(before));
    }
    if (next === undefined) {
      if (this.#options.waitsWhenAbsent) this.#extend(SOMEBODY, now + this.#options.ttlMs);
      // One that is as it was, and was written nonetheless: signs of life may have come and been taken back meanwhile.
    } else if (!isSame || hasMissed || next.sign !== before?.sign) this.#sawSign(next, isFirst, now);
  }

  #sawSign(record: LeaseRecord, isFirst: boolean, now: MonotonicMs): void {
    if (record.holder !== undefined) this.#extend(record.holder, now + this.#durationOf(record));
    // Emptied by an operator, or given back by one who didn't know yet that the one before had ended; or made anew in the
    // place of one that somebody unseen may have held. One that was there first, and never held, is free.
    else if (record.durationMs !== undefined || !isFirst) this.#extend(SOMEBODY, now + this.#durationOf(record));
  }

  /** Never less than a lease of our own lasts: the holder counts by what it wrote, not by what others made of it. */
  #durationOf({ durationMs = 0 }: LeaseRecord): number {
    return Math.max(durationMs, this.#options.ttlMs);
  }

  #extend(holder: string, until: MonotonicMs): void {
    const key = this.#heldUntil.has(holder) || this.#heldUntil.size < MAX_HOLDERS ? holder : SOMEBODY;
    this.#heldUntil.set(key, Math.max(until, this.#heldUntil.get(key) ?? until));
  }
}
