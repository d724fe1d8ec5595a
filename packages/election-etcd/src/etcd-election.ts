import type { LeaderElection, Plugin } from '@quorate/core';
import { etcdLeases } from '@quorate/engine-etcd';
import { leasedElection } from '@quorate/lease';

import { type EtcdElectionOptions, readElectionOptions } from './election-options.ts';

/**
 * Elects who comes first in a queue of etcd, together with Go programs and `etcdctl elect`.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function etcdElection(options: EtcdElectionOptions): Plugin<LeaderElection, 'election'> {
  const { engine, name, timings } = readElectionOptions(options);
  return leasedElection('election-etcd', {
    open: (context) => etcdLeases(engine, context),
    leaseName: ({ cluster }) => name ?? `/quorate/${encodeURIComponent(cluster.name)}/leader`,
    timings,
  });
}
