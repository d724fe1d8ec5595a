import { electionContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { majorityElection } from '../src/index.ts';

electionContract(
  { describe, it },
  {
    name: 'election-majority',
    supports: { transfer: true },
    create: ({ voters }) => majorityElection({ voters }),
    refuses: {
      factory: majorityElection,
      options: [
        { voters: [] },
        { voters: ['a', 'a'] },
        { voters: 'everybody' },
        { voters: { generation: 0, voters: ['a'] } },
        { voters: { generation: 2 ** 17 + 1, voters: ['a'] } },
        { voters: ['a'], priority: -1 },
        { voters: ['a'], profile: 'slow' },
        { voters: ['a'], timings: { heartbeatMs: -1 } },
        { voters: ['a'], maxClockDrift: 1 },
        { voters: ['a'], volatileVotes: 'yes' },
      ],
    },
  },
);
