/**
 * @packageDocumentation
 *
 * Fenced locks on etcd, in one queue with Go programs and `etcdctl lock`.
 */
export type { EtcdLockOptions } from './lock-options.ts';
export { etcdLocks } from './etcd-locks.ts';
