import type { LeaseHolder, LeaseShare } from '@quorate/lease';

import type { EtcdEntry, EtcdListing } from '../etcd-entry.ts';
import type { LeaseKeys } from './lease-keys.ts';
import { decodeRecord, foreignName, type LeaseRecord } from './lease-record.ts';
import type { UnprovenGrant } from './seen-grants.ts';

/** One who holds the lease or waits for it. */
export interface Place {
  readonly holder: string;
  readonly createRevision: bigint;
  /** Undefined of one who isn't Quorate's. */
  readonly record: LeaseRecord | undefined;
  readonly nodeId: string;
}

/** A grant that is told of. */
export interface ToldGrant {
  readonly record: LeaseRecord;
  readonly modRevision: bigint;
}

export type Decode = (entry: EtcdEntry) => LeaseRecord | undefined;

/** Reads each entry once: of a long queue that is followed, most are the same after each change. */
export function decodeOnce(): Decode {
  const known = new WeakMap<EtcdEntry, { readonly record: LeaseRecord | undefined }>();
  return (entry) => {
    const found = known.get(entry) ?? { record: decodeEntry(entry) };
    known.set(entry, found);
    return found.record;
  };
}

function decodeEntry({ value }: EtcdEntry): LeaseRecord | undefined {
  return decodeRecord(value);
}

/** Those who want a lease at one revision of etcd, in their order. */
export class LeaseQueue {
  readonly revision: bigint;
  /** By when they came. */
  readonly places: readonly Place[];
  readonly grants: ReadonlyMap<string, ToldGrant>;

  constructor(keys: LeaseKeys, { entries, revision }: EtcdListing, decode: Decode = decodeEntry) {
    const places: Place[] = [];
    const grants = new Map<string, ToldGrant>();
    for (const entry of entries) {
      const key = keys.read(entry.key);
      if (key?.kind === 'place') places.push(placeOf(entry, key.holder, decode(entry)));
      const record = key?.kind === 'grant' ? decode(entry) : undefined;
      if (key !== undefined && record !== undefined) grants.set(key.holder, { record, modRevision: entry.modRevision });
    }
    places.sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
    this.revision = revision;
    this.places = places;
    this.grants = grants;
  }

  /** Who has the lease, or is to have it next: as whoever reads the queue must see it, etcd's own tools included. */
  get leader(): LeaseHolder | undefined {
    const [first] = this.places;
    return first === undefined ? undefined : { nodeId: first.nodeId, token: first.createRevision };
  }

  has(place: { readonly holder: string; readonly createRevision: bigint }): boolean {
    return this.places.some(
      ({ holder, createRevision }) => holder === place.holder && createRevision === place.createRevision,
    );
  }

  /** Those who came before. There will never be more of them, so what was read long ago is still good for a no. */
  ahead(createRevision: bigint): readonly Place[] {
    return this.places.filter((place) => place.createRevision < createRevision);
  }
}

function placeOf({ value, createRevision }: EtcdEntry, holder: string, record: LeaseRecord | undefined): Place {
  return { holder, createRevision, record, nodeId: record?.nodeId ?? foreignName(value, holder) };
}

/** Whether one must wait for those ahead, and for grants of which it isn't proven that they are over. */
export function mustWait(share: LeaseShare, ahead: readonly Place[], unproven: readonly UnprovenGrant[]): boolean {
  switch (share.kind) {
    case 'exclusive':
    case 'write':
      return ahead.length + unproven.length > 0;
    case 'read':
      return [...ahead, ...unproven].some(({ record }) => record?.kind !== 'read');
    case 'permit':
      return new Set([...ahead, ...unproven].map(({ holder }) => holder)).size >= share.permits;
  }
}
