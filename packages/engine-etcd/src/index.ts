/**
 * @packageDocumentation
 *
 * One hardened client of etcd for all that stands on it: discovery, elections, locks.
 */
export type { EtcdEngineOptions, EtcdTls } from './engine-options.ts';
export type {
  Created,
  EtcdClient,
  FollowOptions,
  LeaseOptions,
  ListOptions,
  PutOptions,
  Seen,
  Writes,
} from './etcd-client.ts';
export { type EtcdEngine, etcdEngine } from './etcd-engine.ts';
export type { EtcdEntry, EtcdListing, KeyRange, KeySelection } from './etcd-entry.ts';
export type { EtcdLease, KeptRenewableLease } from './etcd-lease.ts';
export { type EtcdRecord, type EtcdRecords, etcdRecords, type EtcdRecordsOptions } from './etcd-records.ts';
export { etcdLeases } from './leases/etcd-leases.ts';
export { type FencedWrite, putFenced } from './leases/put-fenced.ts';
export type { RenewableLease } from './renewable-lease.ts';
