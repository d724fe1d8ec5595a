// A node that takes a lock, keeps it, and tells all the time whether it has it: ADDRESS PREFIX SESSION-TTL NAME TTL
import { type ClusterContext, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { tellOf } from '@quorate/test-servers';

import { consulLocks } from '../../src/index.ts';

const [address = '', prefix = '', sessionTtlMs, name = '', ttlMs] = process.argv.slice(2);
const self = { id: 'process', host: '127.0.0.1', port: 7_009 };
const cluster = { name: 'test', id: undefined, adopt: () => undefined };
const context = { ...nodeSystem({ logger: silentLogger }), self, incarnation: 1, cluster } as unknown as ClusterContext;
const engine = consulEngine({ address });
const locks = consulLocks({ engine, prefix, sessionTtlMs: Number(sessionTtlMs) }).create(context);
await locks.start();
tellOf(await locks.lock(name, { ttlMs: Number(ttlMs) }));
