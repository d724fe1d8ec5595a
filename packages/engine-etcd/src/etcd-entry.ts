import type { IKeyValue } from 'etcd3';

/** A key with its value, as etcd told it. */
export interface EtcdEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision at which the key came to be: it only grows, which makes it a fencing token. */
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** The lease that the key goes with; undefined for a key that stays. */
  readonly lease: string | undefined;
}

/** The most bytes of values that are held of one prefix: keys of others may be there, with up to 1.5 MB each. */
export const MAX_LISTING_BYTES: number = 64 * 1024 * 1024;

/** The keys below a prefix at one revision. */
export interface EtcdListing {
  readonly entries: readonly EtcdEntry[];
  readonly revision: bigint;
  /** False when there are more keys than were asked for, or their values are too large to be held. */
  readonly complete: boolean;
}

export function readEntry({ key, value, create_revision, mod_revision, lease }: IKeyValue): EtcdEntry {
  return {
    key: key.toString(),
    value,
    createRevision: BigInt(create_revision),
    modRevision: BigInt(mod_revision),
    lease: lease === '0' ? undefined : lease,
  };
}

/** Keys in order, from the first to before the second. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/** Those that begin with the prefix, or those of the range. */
export type KeySelection = string | KeyRange;

/** As etcd wants it told. */
export function rangeOf(selection: KeySelection): { readonly key: Buffer; readonly range_end: Buffer } {
  return typeof selection === 'string'
    ? prefixRange(selection)
    : { key: Buffer.from(selection.from), range_end: Buffer.from(selection.to) };
}

function prefixRange(prefix: string): { readonly key: Buffer; readonly range_end: Buffer } {
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  let last = end.length - 1;
  while (last >= 0 && end[last] === 0xff) last -= 1;
  if (last < 0) return { key: Buffer.of(0), range_end: Buffer.of(0) };
  end[last] = (end[last] ?? 0) + 1;
  return { key, range_end: end.subarray(0, last + 1) };
}
