import { kubernetesEngine, kubernetesLeases } from '@quorate/engine-kubernetes';
import { leasedElection, leaseTimings } from '@quorate/lease';
import { electionContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { LeaseApi } from './lease-api.ts';
import { API_PORT, serveApi } from './lease-api-server.ts';
import { simulatedHttp } from './simulated-http.ts';

// Nodes that crash, stand still and are cut off, which on a real machine they don't.
electionContract(
  { describe, it },
  {
    name: 'election-kubernetes in a simulated world',
    supports: { transfer: false },
    decidedElsewhere: true,
    create: ({ world }) => {
      const host = world?.host('api');
      const api = new LeaseApi();
      host?.start(async (system) => serveApi(system, api, host.address));
      const server = { host: host?.address ?? 'nowhere', port: API_PORT };
      return leasedElection('election-kubernetes', {
        open: (context) =>
          kubernetesLeases(
            context,
            { engine: kubernetesEngine({ http: simulatedHttp(context.net, server) }) },
            { waitsWhenAbsent: true },
          ),
        leaseName: () => 'leader',
        timings: leaseTimings('election', { ttlMs: 15_000, validForMs: 10_000 }),
      });
    },
  },
);
