import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { electionContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { leaseElection } from '../src/lease-election.ts';
import { MemoryLeaseStore } from './memory-lease-store.ts';

electionContract(
  { describe, it },
  {
    name: 'election-lease',
    supports: { transfer: false },
    system: nodeSystem({ logger: silentLogger }),
    electedWithinMs: 3_000,
    // A fresh store for each case, as three nodes would share one.
    create: () => leaseElection({ store: new MemoryLeaseStore(), ttlMs: 1_000 }),
    refuses: { factory: leaseElection, options: [{ store: undefined }, { store: new MemoryLeaseStore(), ttlMs: 1 }] },
  },
);
