import { type ClusterContext, formatNode } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';

import { multicastDiscovery, type MulticastDiscoveryOptions } from '../../src/index.ts';

// A node that does nothing but announce itself and say whom it sees: `announcing-process.ts ID PORT OPTIONS`.
const [id = '', port = '', options = '{}'] = process.argv.slice(2);
const self = { id, host: '127.0.0.1', port: Number(port) };
const context = { ...nodeSystem(), self, cluster: { name: 'test' } } as unknown as ClusterContext;
const discovery = multicastDiscovery(JSON.parse(options) as MulticastDiscoveryOptions).create(context);
process.once('SIGTERM', () => void discovery[Symbol.asyncDispose]());
await discovery.registerNode(self);
for await (const { nodes } of discovery.watch()) {
  const seen = nodes.map((node) => formatNode({ ...node, id: node.id ?? '?' }));
  console.log(`${id} sees ${seen.join(' ')}`);
}
