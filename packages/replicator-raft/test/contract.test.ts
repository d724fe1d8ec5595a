import { replicatorContract, type ReplicatorHarness } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { raftReplicator } from '../src/index.ts';

const harness: ReplicatorHarness = {
  name: 'replicator-raft',
  supports: {
    write: ['quorum', 'all'],
    read: ['local', 'bounded', 'session', 'lease', 'linearizable'],
    sessions: true,
  },
  forwards: true,
  create: ({ voters, machine }) => raftReplicator({ voters, machine, maxClockDrift: 0.01 }),
  refuses: {
    factory: raftReplicator,
    options: [
      { voters: [] },
      { voters: ['a', 'a'] },
      { voters: ['a'], machine: 'none' },
      { voters: ['a'], machine: () => undefined, profile: 'slow' },
      { voters: ['a'], machine: () => undefined, timings: { heartbeatMs: -1 } },
      { voters: ['a'], machine: () => undefined, maxClockDrift: 1 },
      { voters: ['a'], machine: () => undefined, sessionTtlMs: 0 },
    ],
  },
};

replicatorContract({ describe, it }, harness);

// So that whoever was away gets a snapshot, and every restart begins with one.
const snapshots = { everyEntries: 5, keepEntries: 2, everyBytes: 512, keepBytes: 512 };

replicatorContract(
  { describe, it },
  {
    ...harness,
    name: 'replicator-raft with a snapshot for every few commands',
    create: ({ voters, machine }) => raftReplicator({ voters, machine, maxClockDrift: 0.01, snapshots }),
  },
);
