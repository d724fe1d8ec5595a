// A node that takes a lock, keeps it, and tells all the time whether it has it: ENDPOINT PREFIX NAME TTL
import { type ClusterContext, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { etcdEngine } from '@quorate/engine-etcd';
import { tellOf } from '@quorate/test-servers';

import { etcdLocks } from '../../src/index.ts';

const [endpoint = '', prefix = '', name = '', ttlMs] = process.argv.slice(2);
const self = { id: 'process', host: '127.0.0.1', port: 7_000 };
const cluster = { name: 'test', id: undefined, adopt: () => undefined };
const context = { ...nodeSystem({ logger: silentLogger }), self, incarnation: 1, cluster } as unknown as ClusterContext;
const locks = etcdLocks({ engine: etcdEngine({ endpoints: [endpoint] }), prefix }).create(context);
await locks.start();
tellOf(await locks.lock(name, { ttlMs: Number(ttlMs) }));
