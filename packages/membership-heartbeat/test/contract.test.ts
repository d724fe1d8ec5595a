import { nodeSystem } from '@quorate/core/node';
import { fixedMisses, phiAccrual } from '@quorate/failure-detector';
import { memoryDisk, memoryStorage } from '@quorate/memory';
import { membershipContract } from '@quorate/testkit';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, it } from 'vitest';

import { heartbeatMembership } from '../src/index.ts';

const tcp = {
  transport: () => tcpTransport(),
  storage: () => memoryStorage({ disk: memoryDisk() }),
};

membershipContract(
  { describe, it },
  {
    name: 'membership-heartbeat, phi accrual',
    create: () => heartbeatMembership(),
    refuses: {
      factory: heartbeatMembership,
      options: [
        { intervalMs: 0 },
        { detector: 'phi' },
        { unreachableAfterMs: -1 },
        { maxLoopDelayMs: Number.NaN },
        { forgetAfterMs: -1 },
        { leaveTimeoutMs: -1 },
        { interval: 3 },
      ],
    },
  },
);

membershipContract(
  { describe, it },
  {
    name: 'membership-heartbeat, fixed misses',
    create: () => heartbeatMembership({ intervalMs: 300, detector: fixedMisses({ intervalMs: 300 }) }),
  },
);

membershipContract(
  { describe, it },
  {
    name: 'membership-heartbeat, over simulated TCP',
    create: () => heartbeatMembership({ intervalMs: 500 }),
    nodes: tcp,
  },
);

membershipContract(
  { describe, it },
  {
    name: 'membership-heartbeat, over the loopback of this machine',
    system: nodeSystem(),
    create: () => heartbeatMembership({ intervalMs: 50, detector: phiAccrual({ firstEstimateMs: 50 }) }),
    nodes: tcp,
    // What must not happen is waited for as long.
    noticedWithinMs: 2_000,
  },
);
