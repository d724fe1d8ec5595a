/**
 * @packageDocumentation
 *
 * One hardened client of etcd for all that stands on it: discovery, elections, locks.
 */
export type { EtcdEngineOptions, EtcdTls } from './engine-options.ts';
export type { EtcdClient, FollowOptions, LeaseOptions, ListOptions, PutOptions } from './etcd-client.ts';
export { type EtcdEngine, etcdEngine } from './etcd-engine.ts';
export type { EtcdEntry, EtcdListing } from './etcd-entry.ts';
export type { EtcdLease } from './etcd-lease.ts';
