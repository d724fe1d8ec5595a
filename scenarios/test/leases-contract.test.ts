import { leasedElection, type LeaseEngine, leasedLocks, leaseTimings } from '@quorate/lease';
import type { World } from '@quorate/simulator';
import { electionContract, lockContract } from '@quorate/testkit';
import { describe, it } from 'vitest';
import { simulatedLeases } from '../src/leases/lease-client.ts';
import { LEASE_PORT, serveLeases } from '../src/leases/lease-server.ts';
import { LeaseTable } from '../src/leases/lease-table.ts';

type Machine = Parameters<typeof simulatedLeases>[0];

/** An engine on a host of its own in the world of a case. */
function engineIn(world: World | undefined): (machine: Machine) => LeaseEngine {
  const host = world?.host('engine');
  const table = new LeaseTable();
  host?.start(async (system) => serveLeases(system, table, host.address));
  return (machine) => simulatedLeases(machine, { host: host?.address ?? 'nowhere', port: LEASE_PORT });
}

electionContract(
  { describe, it },
  {
    name: 'an election over a simulated engine',
    supports: { transfer: false },
    decidedElsewhere: true,
    create: ({ world }) =>
      leasedElection('election-simulated', {
        open: engineIn(world),
        leaseName: ({ cluster }) => cluster.name,
        timings: leaseTimings('election', {}),
      }),
  },
);

lockContract(
  { describe, it },
  {
    name: 'locks over a simulated engine',
    supports: { fair: true, shared: true, semaphore: true },
    create: ({ world }) =>
      leasedLocks('lock-simulated', {
        open: engineIn(world),
        leaseName: ({ cluster }, lock) => `${cluster.name}/${lock}`,
        minTtlMs: 500,
        maxLocks: 100,
      }),
  },
);
