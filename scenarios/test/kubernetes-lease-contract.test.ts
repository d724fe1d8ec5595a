import type { ClusterContext } from '@quorate/core';
import { kubernetesEngine, kubernetesLeases, MIN_LEASE_MS, objectNamePart } from '@quorate/engine-kubernetes';
import { leasedElection, type LeaseEngine, leasedLocks, leaseTimings } from '@quorate/lease';
import type { World } from '@quorate/simulator';
import { electionContract, lockContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { LeaseApi } from '../src/kubernetes/lease-api.ts';
import { API_PORT, serveApi } from '../src/kubernetes/lease-api-server.ts';
import { simulatedHttp } from '../src/kubernetes/simulated-http.ts';

// Nodes that crash, stand still and are cut off, which on a real machine they don't.

/** An API server on a host of its own in the world of a case. */
function leasesIn(world: World | undefined, waitsWhenAbsent: boolean): (context: ClusterContext) => LeaseEngine {
  const host = world?.host('api');
  const api = new LeaseApi();
  host?.start(async (system) => serveApi(system, api, host.address));
  const server = { host: host?.address ?? 'nowhere', port: API_PORT };
  return (context) => {
    const engine = kubernetesEngine({ http: simulatedHttp(context.net, server) });
    return kubernetesLeases(context, { engine }, { waitsWhenAbsent });
  };
}

electionContract(
  { describe, it },
  {
    name: 'election on Leases in a simulated world',
    supports: { transfer: false },
    decidedElsewhere: true,
    create: ({ world }) =>
      leasedElection('election-kubernetes', {
        open: leasesIn(world, true),
        leaseName: () => 'leader',
        timings: leaseTimings('election', { ttlMs: 15_000, validForMs: 10_000 }),
      }),
  },
);

lockContract(
  { describe, it },
  {
    name: 'locks on Leases in a simulated world',
    supports: { fair: false, shared: false, semaphore: false },
    create: ({ world }) =>
      leasedLocks('lock-kubernetes', {
        open: leasesIn(world, false),
        leaseName: (_context, lock) => `locks.${objectNamePart(lock)}`,
        minTtlMs: MIN_LEASE_MS,
        maxLocks: 32,
      }),
  },
);
