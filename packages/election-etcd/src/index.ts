/**
 * @packageDocumentation
 *
 * Leader election on etcd, in one queue with Go programs and `etcdctl elect`.
 */
export type { EtcdElectionOptions } from './election-options.ts';
export { etcdElection } from './etcd-election.ts';
