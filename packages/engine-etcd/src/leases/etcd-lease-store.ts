import { type CallOptions, ClusterError, isClusterError, linkSignals } from '@quorate/core';
import type { LeaseHold, LeaseRefusal, LeaseRequest, LeaseStore, LeaseView } from '@quorate/lease';

import type { EtcdEntry, EtcdListing } from '../etcd-entry.ts';
import { HeldPlace, type PlaceParts, type TakenGrant } from './held-place.ts';
import { LeaseKeys } from './lease-keys.ts';
import { type Decode, decodeOnce, LeaseQueue, mustWait, type ToldGrant } from './lease-queue.ts';
import { decodeRecord, recordOf } from './lease-record.ts';
import { SeenGrants } from './seen-grants.ts';

/** Of its time, how long one member of etcd may take to answer: less than a renewal may, so that the next asks another. */
const MEMBER_PART = 1 / 10;
const MAX_MEMBER_PART = 1 / 8;
const MIN_MEMBER_MS = 200;
const MAX_MEMBER_MS = 1_000;
const MIN_LIVENESS_MS = 300;
/** Whoever waits looks at its own place this often. That costs nothing while the queue is followed. */
const LOOKS_IN_TTL = 6;
/** And this often when nobody is ahead of it any more. */
const NEXT_LOOK_MS = 100;
/** What is followed is read anew this often, which may cost a hand-over at that moment its mark. */
const RESYNC_MS = 600_000;
/** Of this one's own former grants, which it knows to be over. */
const MAX_FORMER = 16;
const DISPOSAL_MS = 500;

/** A lease in etcd as one who wants it sees it. */
export class EtcdLeaseStore implements LeaseStore {
  readonly #request: LeaseRequest;
  readonly #parts: PlaceParts;
  readonly #seen = new SeenGrants();
  readonly #decode: Decode = decodeOnce();
  /** Its own places, by their holders. */
  readonly #own = new Set<string>();
  /** What was read last: to follow on from there leaves out nothing. */
  #listing: EtcdListing | undefined;
  /** As it is followed; undefined while it isn't. */
  #queue: LeaseQueue | undefined;
  #place: HeldPlace | undefined;
  /** Whether a key has gone since something was told: it may have come in between, too. */
  #hasGone = false;

  constructor(request: LeaseRequest, parts: Pick<PlaceParts, 'clock' | 'client'>) {
    const { ttlMs } = request;
    const memberMs = Math.min(MAX_MEMBER_MS, Math.max(MIN_MEMBER_MS, ttlMs * MEMBER_PART), ttlMs * MAX_MEMBER_PART);
    this.#request = request;
    this.#parts = {
      ...parts,
      keys: new LeaseKeys(request.name),
      record: recordOf(request),
      memberTimeoutMs: memberMs,
    };
  }

  async follow(tell: (view: LeaseView) => void, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { client, keys } = this.#parts;
    const overflow = new AbortController();
    using either = linkSignals(signal, overflow.signal);
    const onListing = (listing: EtcdListing): void => {
      if (!listing.complete) overflow.abort();
      else this.#follow(listing, tell);
    };
    try {
      await client.follow(keys.range, onListing, {
        signal: either.signal,
        since: this.#listing,
        onGone: (entry) => this.#gone(entry),
        livenessMs: Math.min(MAX_MEMBER_MS, Math.max(MIN_LIVENESS_MS, this.#request.ttlMs / LOOKS_IN_TTL)),
        resyncMs: RESYNC_MS,
      });
    } finally {
      this.#queue = undefined;
    }
    if (overflow.signal.aborted) throw this.#overflow();
  }

  async acquire(options: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const place = await this.#ownPlace(options);
    try {
      return await this.#ask(place, await place.join(options), options);
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
      return this.#lost(place);
    }
  }

  async withdraw(options: CallOptions): Promise<void> {
    const place = this.#place;
    await place?.leave(options);
    if (this.#place === place) this.#place = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place?.leave({ timeoutMs: DISPOSAL_MS }).catch(() => undefined);
  }

  async #ask(place: HeldPlace, createRevision: bigint, options: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const { clock } = this.#parts;
    const { share, ttlMs } = this.#request;
    const queue = await this.#queueSince(createRevision, options);
    if (!queue.has({ holder: place.holder, createRevision })) return this.#lost(place);
    const now = clock.now();
    const unproven = this.#seen.unproven(now, this.#own);
    const ahead = queue.ahead(createRevision);
    if (mustWait(share, ahead, unproven)) {
      // No news of the queue tells when the last of these grants is found to be over.
      const isNext = this.#queue !== undefined && !mustWait(share, ahead, []);
      const lookMs = isNext ? NEXT_LOOK_MS : ttlMs / LOOKS_IN_TTL;
      return { retryAt: Math.min(now + lookMs, ...unproven.map(({ until }) => until)) };
    }
    const grant = await place.take(options);
    return grant === undefined ? this.#lost(place) : this.#hold(place, createRevision, grant);
  }

  /** Only an exclusive lease is shared with others than Quorate, who take the creation of their key for its token. */
  #hold(place: HeldPlace, createRevision: bigint, { sentAt, revision }: TakenGrant): LeaseHold {
    return {
      token: this.#request.share.kind === 'exclusive' ? createRevision : revision,
      sentAt,
      usableFrom: sentAt,
      renew: (options) => place.renew(options),
      release: (options) => place.leave(options),
    };
  }

  async #ownPlace(options: CallOptions): Promise<HeldPlace> {
    const known = this.#place;
    if (known !== undefined && !known.isLeft) return known;
    const place = await HeldPlace.open(this.#parts, options);
    this.#place = place;
    this.#own.add(place.holder);
    const [oldest] = this.#own;
    if (oldest !== undefined && this.#own.size > MAX_FORMER) this.#own.delete(oldest);
    return place;
  }

  /** Its etcd lease is over, or somebody deleted its key: the next call stands anew. */
  async #lost(place: HeldPlace): Promise<LeaseRefusal> {
    await place.leave({ timeoutMs: DISPOSAL_MS }).catch(() => undefined);
    return { retryAt: this.#parts.clock.now() };
  }

  async #queueSince(revision: bigint, { signal }: CallOptions): Promise<LeaseQueue> {
    const followed = this.#queue;
    if (followed !== undefined && followed.revision >= revision) return followed;
    const { client, keys, memberTimeoutMs } = this.#parts;
    const listing = await client.list(keys.range, { memberTimeoutMs, signal });
    if (!listing.complete) throw this.#overflow();
    if (followed === undefined) this.#listing = listing;
    const queue = new LeaseQueue(keys, listing);
    this.#seen.note(queue.grants, queue.revision, this.#parts.clock.now());
    return queue;
  }

  #follow(listing: EtcdListing, tell: (view: LeaseView) => void): void {
    const former = this.#queue;
    this.#listing = listing;
    const queue = new LeaseQueue(this.#parts.keys, listing, this.#decode);
    this.#queue = queue;
    this.#seen.note(queue.grants, queue.revision, this.#parts.clock.now());
    if (former !== undefined && !this.#hasGone && isRenewalAlone(former, queue)) return;
    this.#hasGone = false;
    const isExclusive = this.#request.share.kind === 'exclusive';
    tell({ holder: isExclusive ? queue.leader : undefined, revision: queue.revision });
  }

  #gone({ key, value, modRevision }: EtcdEntry): void {
    this.#hasGone = true;
    const read = this.#parts.keys.read(key);
    const record = read?.kind === 'grant' ? decodeRecord(value) : undefined;
    if (read !== undefined && record !== undefined) {
      this.#seen.gone(read.holder, { record, modRevision }, this.#parts.clock.now());
    }
  }

  #overflow(): ClusterError {
    return new ClusterError('OVERLOADED', `etcd: too many want ${this.#request.name} at one time`);
  }
}

/** Whether all that has happened is that grants were renewed. */
function isRenewalAlone(former: LeaseQueue, queue: LeaseQueue): boolean {
  const { places, grants } = queue;
  if (former.places.length !== places.length || former.grants.size !== grants.size) return false;
  if (!places.every(({ createRevision }, at) => former.places[at]?.createRevision === createRevision)) return false;
  const isSame = ([holder, { record }]: readonly [string, ToldGrant]) =>
    former.grants.get(holder)?.record.released === record.released;
  const isRenewed = ([holder, { modRevision }]: readonly [string, ToldGrant]) =>
    former.grants.get(holder)?.modRevision !== modRevision;
  return [...grants].every(isSame) && [...grants].some(isRenewed);
}
