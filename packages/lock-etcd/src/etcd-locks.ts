import type { Locks, Plugin } from '@quorate/core';
import { etcdLeases } from '@quorate/engine-etcd';
import { leasedLocks } from '@quorate/lease';

import { type EtcdLockOptions, readLockOptions } from './lock-options.ts';

/** The least that etcd grants unless it is set up to elect its own leaders quicker than by default. */
const MIN_TTL_MS = 2_000;

/**
 * Locks, each of them a queue of etcd; those that are exclusive together with Go programs and `etcdctl lock`.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function etcdLocks(options: EtcdLockOptions): Plugin<Locks, 'locks'> {
  const { engine, prefix, maxLocks } = readLockOptions(options);
  return leasedLocks('lock-etcd', {
    open: (context) => etcdLeases(engine, context),
    leaseName: ({ cluster }, lock) => {
      const home = prefix ?? `/quorate/${encodeURIComponent(cluster.name)}/locks/`;
      return home + keyNameOf(lock);
    },
    minTtlMs: MIN_TTL_MS,
    maxLocks,
  });
}

/** No two locks share keys: one of these names is never another with a `/` and more behind it. */
function keyNameOf(lock: string): string {
  return encodeURIComponent(lock.toWellFormed());
}
