import { electionContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { raftElection } from '../src/index.ts';

electionContract(
  { describe, it },
  {
    name: 'election-raft',
    supports: { transfer: true },
    create: ({ voters }) => raftElection({ voters }),
    refuses: {
      factory: raftElection,
      options: [
        { voters: [] },
        { voters: ['a', 'a'] },
        { voters: ['a'], profile: 'slow' },
        { voters: ['a'], timings: { heartbeatMs: -1 } },
        { voters: ['a'], timings: { heartbeatMs: 1000 } },
        { voters: ['a'], maxClockDrift: 1 },
      ],
    },
  },
);
