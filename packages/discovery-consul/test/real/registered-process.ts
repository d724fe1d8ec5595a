import { silentLogger } from '@quorate/core';
import { consulEngine } from '@quorate/engine-consul';

import { consulDiscovery } from '../../src/index.ts';
import { contextOf } from './shared-consul.ts';

// A process that registers a node, says so, and stays until it is killed.
const [address = '', service = '', id = ''] = process.argv.slice(2);
const discovery = consulDiscovery({ engine: consulEngine({ address }), service, ttlMs: 2_000 }).create(
  contextOf(id, silentLogger),
);
await discovery.registerNode({ id, host: '10.9.0.66', port: 7066 });
console.log('registered');
