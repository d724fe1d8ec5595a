/**
 * @packageDocumentation
 *
 * Leader election on a Lease of Kubernetes, as client-go's leader election uses it: whoever holds the Lease leads, and the
 * resource version of the write by which it was taken is the fencing token.
 */
import type { LeaderElection, Plugin } from '@quorate/core';
import { kubernetesLeases } from '@quorate/engine-kubernetes';
import { leasedElection } from '@quorate/lease';
import { type KubernetesElectionOptions, readOptions } from './options.ts';

export type { KubernetesElectionOptions } from './options.ts';

/**
 * Elects whoever holds the Lease. Go programs and others that keep client-go's rules can contend for it too.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function kubernetesElection(options: KubernetesElectionOptions = {}): Plugin<LeaderElection, 'election'> {
  const { leases, timings, name } = readOptions(options);
  return leasedElection('election-kubernetes', {
    open: (context) => kubernetesLeases(context, leases, { waitsWhenAbsent: true }),
    leaseName: name,
    timings,
  });
}
