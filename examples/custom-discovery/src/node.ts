import { createCluster } from '@quorate/core';
import { tcpTransport } from '@quorate/transport-tcp';

import { fileDiscovery } from './file-discovery.ts';

const [nodeId = 'a', port = '7001'] = process.argv.slice(2); // b 7002 for another one
const cluster = createCluster({
  nodeId,
  bind: `127.0.0.1:${port}`,
  transport: tcpTransport(),
  discovery: fileDiscovery({ path: `${process.cwd()}/nodes.json`, intervalMs: 1_000 }),
});

cluster.on('nodeJoined', ({ node }) => console.log(`met ${node.id}`));
cluster.on('nodeLeft', ({ node }) => console.log(`${node.id} has left`));
await cluster.start();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cluster.stop());
