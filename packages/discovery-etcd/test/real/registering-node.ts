// A node that registers and waits to be killed: ENDPOINT PREFIX ID PORT LEASE_MS
import { etcdEngine } from '@quorate/engine-etcd';

import { discover, nodeNamed } from './discovering.ts';

const [endpoint = '', prefix = '', id = '', port = '', leaseMs = ''] = process.argv.slice(2);
const self = nodeNamed(id, Number(port));
const engine = etcdEngine({ endpoints: [endpoint] });
await discover(self, { engine, prefix, leaseMs: Number(leaseMs) }).discovery.registerNode(self);
console.log('registered');
