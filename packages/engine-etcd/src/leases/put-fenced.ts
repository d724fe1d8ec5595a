import { type CallOptions, ClusterError } from '@quorate/core';

import type { EtcdClient } from '../etcd-client.ts';

/** What is to be written, and under what. */
export interface FencedWrite {
  readonly key: string;
  readonly value: Uint8Array;
  /** Of the election or lock. */
  readonly name: string;
  /** Of the leadership, or of a lock that is exclusive. */
  readonly token: bigint;
}

/**
 * Writes a key of the same etcd if the one who has this token still leads, or has the lock, at the moment of the write:
 * etcd decides both at once, so that a write which comes late changes nothing.
 * @throws ClusterError `STALE_TOKEN`
 */
export async function putFenced(client: EtcdClient, write: FencedWrite, options: CallOptions = {}): Promise<void> {
  const { key, value, name, token } = write;
  const { entries } = await client.list(`${name}/`, options);
  const place = entries.find(({ createRevision }) => createRevision === token);
  const isOvertaken = entries.some(({ createRevision }) => createRevision < token);
  if (place !== undefined && !isOvertaken) {
    const created = { key: place.key, createRevision: token };
    if ((await client.writeIfCreated(created, { puts: [{ key, value }] }, options)) !== undefined) return;
  }
  throw new ClusterError('STALE_TOKEN', `etcd: ${name} is no longer held under token ${token}: ${key} is not written`);
}
