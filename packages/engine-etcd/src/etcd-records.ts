import { type CallOptions, invalidOption } from '@quorate/core';

import type { EtcdClient } from './etcd-client.ts';

/** Where records are kept in etcd. */
export interface EtcdRecordsOptions {
  /** What the keys begin with: nothing else should. A record's key is this and its name. */
  readonly prefix: string;
}

/** A record as it was at a revision of etcd. */
export interface EtcdRecord {
  readonly value: Uint8Array;
  /** The revision of its last write, as a text. No two writes have the same. */
  readonly version: string;
}

/**
 * Small records as keys of etcd, each written on the condition that nobody has written it since it was read: what
 * `recordClaims` of `@quorate/coordination` keeps claims in. Calls reject as those of the client do, which stays its
 * owner's to dispose of.
 */
export interface EtcdRecords {
  /** As a majority knows it. */
  read(name: string, options?: CallOptions): Promise<EtcdRecord | undefined>;
  /**
   * Writes a record if it still is of this version; undefined when there is to be none.
   * @returns false when it isn't, be it that this call has written it and the answer got lost
   */
  write(name: string, value: Uint8Array, expected: string | undefined, options?: CallOptions): Promise<boolean>;
  /** Takes a record away if it still is of this version; false when it isn't. */
  remove(name: string, expected: string, options?: CallOptions): Promise<boolean>;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function etcdRecords(client: EtcdClient, { prefix }: EtcdRecordsOptions): EtcdRecords {
  if (typeof prefix !== 'string' || prefix === '') {
    throw invalidOption('etcdRecords', 'prefix', 'a text that is not empty', prefix);
  }
  const at = (name: string, version: string | undefined) => ({
    key: prefix + name,
    modRevision: BigInt(version ?? 0),
  });
  return {
    read: async (name, options) => {
      const found = await client.get(prefix + name, options);
      return found && { value: found.value, version: String(found.modRevision) };
    },
    write: (name, value, expected, options) => client.writeIfUnchanged(at(name, expected), value, options),
    remove: (name, expected, options) => client.writeIfUnchanged(at(name, expected), undefined, options),
  };
}
