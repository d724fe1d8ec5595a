import { Keyring, type Plugin, type PluginKind, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { memoryDisk, memoryStorage } from '@quorate/memory';
import { membershipContract, type NodeParts, type RefusedOptions } from '@quorate/testkit';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, it } from 'vitest';

import { swimMembership } from '../src/index.ts';

const refuses: RefusedOptions = {
  factory: swimMembership,
  options: [
    { datagrams: 'pigeons' },
    { port: -1 },
    { datagrams: 'transport', port: 7000 },
    { connectAllUpTo: 1.5 },
    { connectTo: 'everybody' },
    { exchangeIntervalMs: 0 },
    { contactIntervalMs: Number.NaN },
    { leaveTimeoutMs: -1 },
    { forgetAfterMs: 1 },
    { maxMembers: 1 },
    { protocol: { probeTimeoutMs: 5000, probeDeadlineMs: 1000 } },
    { protocol: { gossipFanout: 0 } },
  ],
};

membershipContract(
  { describe, it },
  {
    name: 'membership-swim over a transport in memory',
    create: () => swimMembership({ datagrams: 'transport' }),
    refuses,
  },
);

const storage = () => memoryStorage({ disk: memoryDisk() });

membershipContract(
  { describe, it },
  {
    name: 'membership-swim over UDP and transport-tcp',
    create: () => swimMembership(),
    nodes: { transport: () => tcpTransport(), storage },
  },
);

describe('with a secret', () => {
  const keyring = new Keyring({ use: 'what only the tests know' });
  const nodes: NodeParts = { transport: () => secured(tcpTransport(), keyring), storage };
  membershipContract(
    { describe, it },
    {
      name: 'membership-swim over UDP and transport-tcp, simulated',
      create: () => secured(swimMembership(), keyring),
      nodes,
    },
  );
  membershipContract(
    { describe, it },
    {
      name: 'membership-swim on this machine',
      system: nodeSystem({ logger: silentLogger }),
      create: () =>
        secured(
          swimMembership({ protocol: { probeIntervalMs: 200, probeTimeoutMs: 100, probeDeadlineMs: 200 } }),
          keyring,
        ),
      nodes,
      noticedWithinMs: 1500,
    },
  );
});

function secured<T, K extends PluginKind>(plugin: Plugin<T, K>, keyring: Keyring): Plugin<T, K> {
  const security = { keyring, insecure: false };
  return { ...plugin, create: (context) => plugin.create({ ...context, security }) };
}
