// One node of the test with real processes: SETTINGS as JSON; reports over its channel, and serves clients.
import { type AddressInfo, createServer } from 'node:net';
import { createCluster } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { staticDiscovery } from '@quorate/discovery-static';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import type { NodeReport, NodeSettings } from './node-protocol.ts';
import { RegisterMachine } from './register-machine.ts';
import { routedNet } from './routed-net.ts';
import { ServedClient } from './served-client.ts';

const settings = JSON.parse(process.argv[2] ?? '') as NodeSettings;
const { id, directory, ports } = settings;
const system = nodeSystem();
const cluster = createCluster({
  nodeId: id,
  bind: `127.0.0.1:${ports[id] ?? 0}`,
  transport: tcpTransport({
    reconnect: { minMs: 50, maxMs: 500 },
    heartbeat: { intervalMs: 250, timeoutMs: 1000 },
    handshakeTimeoutMs: 1000,
  }),
  storage: fileStorage({ directory }),
  discovery: staticDiscovery({ nodes: Object.entries(ports).map(([node, port]) => `${node}@127.0.0.1:${port}`) }),
  replicator: raftReplicator({
    voters: Object.keys(ports),
    machine: () => new RegisterMachine(),
    maxClockDrift: 0.01,
  }),
  system: { ...system, net: routedNet(system.net, new Map(settings.routes)) },
  logLevel: 'warn',
});

process.on('disconnect', () => process.exit());
await cluster.start();
const { replicator } = cluster;
const clients = createServer({ noDelay: true }, (socket) => new ServedClient(replicator, socket));
clients.listen(0, '127.0.0.1', () => {
  report({ type: 'ready', clientPort: (clients.address() as AddressInfo).port });
});
let told = '';
for await (const { role, term } of replicator.watch()) {
  if (told !== `${role} in ${term}`) report({ type: 'role', leads: role === 'leader', term: Number(term) });
  told = `${role} in ${term}`;
}

function report(what: NodeReport): void {
  process.send?.(what);
}
