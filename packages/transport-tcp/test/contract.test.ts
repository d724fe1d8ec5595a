import { Keyring, type Plugin, silentLogger, type Transport } from '@quorate/core';
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

describe('with a secret', () => {
  transportContract(
    { describe, it },
    { name: 'transport-tcp', create: () => secured(tcpTransport()), isSecured: true },
  );
});

describe('over the real network, with a secret', () => {
  transportContract(
    { describe, it },
    {
      name: 'transport-tcp',
      system: nodeSystem({ logger: silentLogger }),
      create: () =>
        secured(
          tcpTransport({ reconnect: { minMs: 20, maxMs: 100 }, heartbeat: { intervalMs: 100, timeoutMs: 1000 } }),
        ),
      noticedWithinMs: 3000,
      isSecured: true,
    },
  );
});

function secured(plugin: Plugin<Transport, 'transport'>): Plugin<Transport, 'transport'> {
  const keyring = new Keyring({ use: 'what only the tests know' });
  return { ...plugin, create: (context) => plugin.create({ ...context, security: { keyring, insecure: false } }) };
}
