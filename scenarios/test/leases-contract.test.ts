import { describe, it } from 'vitest';
import { electionContract } from '@quorate/testkit';
import { leasedElection, leaseTimings } from '@quorate/lease';
import { serveLeases, LEASE_PORT } from '../src/leases/lease-server.ts';
import { LeaseTable } from '../src/leases/lease-table.ts';
import { simulatedLeases } from '../src/leases/lease-client.ts';

electionContract(
  { describe, it },
  {
    name: 'an election over a simulated engine',
    supports: { transfer: false },
    decidedElsewhere: true,
    create: ({ world }) => {
      const host = world?.host('engine');
      const table = new LeaseTable();
      host?.start(async (system) => serveLeases(system, table, host.address));
      return leasedElection('election-simulated', {
        open: (context) => simulatedLeases(context, { host: host?.address ?? '', port: LEASE_PORT }),
        leaseName: ({ cluster }) => cluster.name,
        timings: leaseTimings('election', {}),
      });
    },
  },
);
