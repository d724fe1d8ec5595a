import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { type RefusedOptions, transportContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { tcpTransport } from '../src/index.ts';

const refuses: RefusedOptions = {
  factory: tcpTransport,
  options: [
    { maxFrameBytes: 10 },
    { maxQueueBytes: 1.5 },
    { maxRequests: 0 },
    { maxStreams: -1 },
    { streamWindowBytes: 1 },
    { handshakeTimeoutMs: 0 },
    { maxPendingConnections: 0 },
    { maxPeers: 0 },
    { heartbeat: { intervalMs: 1000, timeoutMs: 1500 } },
    { reconnect: { minMs: 2, maxMs: 1 } },
  ],
};

transportContract({ describe, it }, { name: 'transport-tcp', create: () => tcpTransport(), refuses });

describe('over the real network', () => {
  transportContract(
    { describe, it },
    {
      name: 'transport-tcp',
      system: nodeSystem({ logger: silentLogger }),
      create: () =>
        tcpTransport({ reconnect: { minMs: 20, maxMs: 100 }, heartbeat: { intervalMs: 100, timeoutMs: 1000 } }),
      noticedWithinMs: 3000,
    },
  );
});
