import type { CallOptions } from '@quorate/core';

import type { CallLimits } from './calls.ts';
import type { EtcdEntry, EtcdListing, KeySelection } from './etcd-entry.ts';
import type { EtcdLease, KeptRenewableLease } from './etcd-lease.ts';
import type { RenewableLease } from './renewable-lease.ts';

/**
 * etcd as one part of one node uses it. Every call has a deadline, moves to another member when one fails, and may reach
 * etcd more than once: what it writes is made so that twice is as good as once.
 *
 * Calls reject with a `ClusterError`: `DISCONNECTED` or `TIMEOUT` when no member answers, `REFUSED` for a wrong login or a
 * missing permission, `NOT_FOUND` for a lease that is over, `ABORTED`, and `CLOSED` when it was disposed of. That ends
 * renewals too, and leaves it to etcd to let leases expire: dispose of those first that are to go at once.
 */
export interface EtcdClient extends Disposable {
  /** The keys of a prefix or a range, as a majority knows them, in order. */
  list(keys: KeySelection, options?: ListOptions): Promise<EtcdListing>;
  /** Writes a key, whatever was there. */
  put(key: string, value: Uint8Array, options?: PutOptions & CallLimits): Promise<void>;
  /**
   * Writes a key unless it is there.
   * @returns what is there afterwards. It is this call's own if its value is; so values that are to be told apart must
   * differ
   */
  createIfAbsent(key: string, value: Uint8Array, options?: PutOptions & CallLimits): Promise<EtcdEntry>;
  /** What is at the key, as a majority knows it. */
  get(key: string, options?: CallOptions): Promise<EtcdEntry | undefined>;
  /**
   * Writes and deletes all of it at once, if the key is still the one that was created at that revision.
   * @returns the revision at which it was done; undefined when the key isn't that one. Where the key itself is deleted,
   * that may also mean that it was done by this call, whose first answer got lost
   */
  writeIfCreated(condition: Created, writes: Writes, options?: CallLimits): Promise<bigint | undefined>;
  /**
   * Writes a key, or deletes it, if nobody has written it since the revision of its last write.
   * @param value undefined to delete it
   * @returns false when it has another revision, be it that it was written by this call, whose first answer got lost
   */
  writeIfUnchanged(seen: Seen, value: Uint8Array | undefined, limits?: CallLimits): Promise<boolean>;
  /** Grants a lease that whoever has it renews. */
  grantRenewableLease(options: LeaseOptions & CallLimits): Promise<RenewableLease>;
  /** Renews a lease until it is left, disposed of or lost. Nobody else renews it meanwhile. */
  keepLease(lease: RenewableLease): KeptRenewableLease;
  /** Grants a lease and renews it until it is disposed of or lost. */
  grantLease(options: LeaseOptions): Promise<EtcdLease>;
  /**
   * Tells the keys of a prefix or a range, all of them at first and after each change, until the signal aborts. It
   * goes on where it was when a member fails or hangs, and reads all again when etcd has forgotten what happened meanwhile.
   * @throws ClusterError when no member answers. What was told may have changed since
   */
  follow(keys: KeySelection, tell: (listing: EtcdListing) => void, options: FollowOptions): Promise<void>;
}

/** A key, and when it came to be. */
export interface Created {
  readonly key: string;
  readonly createRevision: bigint;
}

/** A key, and when it was written last. */
export interface Seen {
  readonly key: string;
  /** 0 for one that is not there. */
  readonly modRevision: bigint;
}

/** What is written and deleted at once, all or nothing. */
export interface Writes {
  readonly puts?: readonly { readonly key: string; readonly value: Uint8Array; readonly lease?: string }[];
  readonly deletes?: readonly string[];
}

/** How a prefix of etcd is listed. */
export interface ListOptions extends CallLimits {
  /**
   * The most keys to tell.
   * @default 10000
   */
  readonly limit?: number;
}

export interface PutOptions extends CallOptions {
  /** The id of the lease that the key goes with. */
  readonly lease?: string;
}

export interface LeaseOptions extends CallOptions {
  /** How long it lasts without renewal. etcd counts in seconds, and may grant more. */
  readonly ttlMs: number;
}

/** How a prefix of etcd is followed. */
export interface FollowOptions extends ListOptions {
  readonly signal: AbortSignal;
  /**
   * What the same keys were before: it is told first, as it is, and then whatever has happened since.
   * @default what they are now
   */
  readonly since?: EtcdListing | undefined;
  /** Told of each key that a watch saw go, with what it had last, before what is left is told. */
  readonly onGone?: (last: EtcdEntry) => void;
  /**
   * All is read again this often, whatever a watch tells.
   * @default 60000
   */
  readonly resyncMs?: number;
  /**
   * A member whose watch tells nothing is asked for a sign of life this often; when it gives none within as long, another
   * one is watched.
   * @default 1000
   */
  readonly livenessMs?: number;
}
