/**
 * @packageDocumentation
 *
 * Locks that are Leases of Kubernetes: exclusive, renewed while they are held, each with the resource version of the write
 * by which it was taken as its fencing token.
 */
import type { Locks, Plugin } from '@quorate/core';
import { kubernetesLeases, MIN_LEASE_MS } from '@quorate/engine-kubernetes';
import { leasedLocks } from '@quorate/lease';
import { type KubernetesLocksOptions, readOptions } from './options.ts';

export type { KubernetesLocksOptions } from './options.ts';

/**
 * Locks by name, each a Lease.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function kubernetesLocks(options: KubernetesLocksOptions = {}): Plugin<Locks, 'locks'> {
  const { leases, maxLocks, leaseName } = readOptions(options);
  return leasedLocks('lock-kubernetes', {
    open: (context) => kubernetesLeases(context, leases, { waitsWhenAbsent: false }),
    leaseName,
    minTtlMs: MIN_LEASE_MS,
    maxLocks,
  });
}
