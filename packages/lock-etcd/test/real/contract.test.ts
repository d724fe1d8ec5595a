import { type NodeId, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { type EtcdEngine, etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, reportAbsent, TcpGate } from '@quorate/test-servers';
import { lockContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { etcdLocks } from '../../src/index.ts';

const etcd = await EtcdCluster.start();
if (etcd === undefined) reportAbsent('etcd');
const port = Number(new URL(etcd?.endpoints[0] ?? 'http://127.0.0.1:2379').port);
/** Each node's way to etcd. */
const gates = new Map<NodeId, TcpGate>();
const engines = new Map<NodeId, EtcdEngine>();
for (const id of ['a', 'b', 'c']) {
  const gate = await TcpGate.open(port);
  gates.set(id, gate);
  engines.set(id, etcdEngine({ endpoints: [`http://127.0.0.1:${gate.port}`] }));
}
afterAll(async () => {
  for (const gate of gates.values()) await gate[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

let cases = 0;

describe.skipIf(etcd === undefined)('with etcd', () => {
  const engine = etcdEngine({ endpoints: ['http://127.0.0.1:2379'] });
  lockContract(
    { describe, it },
    {
      name: 'lock-etcd',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { fair: true, shared: true, semaphore: true },
      create: () => {
        // Names of each case's own in the one etcd of them all.
        const prefix = `/case-${(cases += 1)}/`;
        return {
          ...etcdLocks({ engine }),
          create: (context) => etcdLocks({ engine: engines.get(context.self.id) ?? engine, prefix }).create(context),
        };
      },
      ttlMs: 3_000,
      takenWithinMs: 5_000,
      expiredWithinMs: 8_000,
      cutOff: (id) => {
        gates.get(id)?.stall();
        const reopen = () => {
          gates.get(id)?.reopen();
          return Promise.resolve();
        };
        return Promise.resolve({ [Symbol.asyncDispose]: reopen });
      },
      refuses: {
        factory: etcdLocks,
        options: [
          { engine: undefined },
          { engine: {} },
          { engine, prefix: '' },
          { engine, prefix: 'a b' },
          { engine, maxLocks: 0 },
        ],
      },
    },
  );
});
