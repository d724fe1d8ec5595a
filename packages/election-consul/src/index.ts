/**
 * @packageDocumentation
 *
 * Leader election on Consul: who holds a key leads, by the key's session; together with Consul's own tools.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { consulElection } from '@quorate/election-consul';
 * import { consulEngine } from '@quorate/engine-consul';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const engine = consulEngine({ address: 'http://127.0.0.1:8500' });
 * const election = consulElection({ engine, key: 'service/orders/leader/.lock' });
 * const cluster = createCluster({ nodeId: 'a', transport: tcpTransport(), election });
 * ```
 */
import type { LeaderElection, Plugin } from '@quorate/core';
import { consulLeases, keyPart } from '@quorate/engine-consul';
import { leasedElection } from '@quorate/lease';

import { type ConsulElectionOptions, readOptions } from './options.ts';

export type { ConsulElectionOptions } from './options.ts';

/**
 * Elects by a key of Consul. The token is the index at which the key was acquired.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function consulElection(options: ConsulElectionOptions = {}): Plugin<LeaderElection, 'election'> {
  const { engine, key, timings, sessionTtlMs } = readOptions(options);
  return leasedElection('election-consul', {
    open: (context) => consulLeases(engine.open(context), { sessionTtlMs, keepsKeys: true }),
    leaseName: ({ cluster }) => key ?? `quorate/${keyPart(cluster.name)}/leader/.lock`,
    timings,
  });
}
