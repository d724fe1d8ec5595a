// A node that takes a lock, keeps it, and tells all the time whether it has it: SERVER SERVICE-ACCOUNT PREFIX NAME TTL
import { type ClusterContext, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { tellOf } from '@quorate/test-servers';

import { kubernetesLocks } from '../../src/index.ts';

const [server = '', serviceAccount = '', prefix = '', name = '', ttlMs] = process.argv.slice(2);
const self = { id: 'process', host: '127.0.0.1', port: 7_000 };
const context = {
  ...nodeSystem({ logger: silentLogger }),
  self,
  incarnation: 1,
  cluster: { name: 'test' },
} as unknown as ClusterContext;
const locks = kubernetesLocks({ engine: kubernetesEngine({ server, serviceAccount }), prefix }).create(context);
await locks.start();
tellOf(await locks.lock(name, { ttlMs: Number(ttlMs) }));
