import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { describe, it } from 'vitest';

import { transportContract } from '../src/index.ts';

transportContract(
  { describe, it },
  {
    name: 'transport-memory',
    network: (world) => memoryNetwork(world === undefined ? {} : { route: world.route }),
    create: (network) => memoryTransport({ network }),
    messageFaults: 'visible',
    refuses: {
      factory: memoryTransport,
      options: [
        {},
        { network: {} },
        { network: memoryNetwork(), silenceMs: 0 },
        { network: memoryNetwork(), maxQueueBytes: 1.5 },
        { network: memoryNetwork(), windowBytes: '1' },
        { network: memoryNetwork(), reconnect: { minMs: 2, maxMs: 1 } },
      ],
    },
  },
);
