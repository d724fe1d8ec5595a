import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { electionContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { etcdElection } from '../../src/index.ts';

const etcd = await EtcdCluster.start();
if (etcd === undefined) reportAbsent('etcd');
afterAll(async () => await etcd?.[Symbol.asyncDispose]());

let cases = 0;

describe.skipIf(etcd === undefined)('with etcd', () => {
  const engine = etcdEngine({ endpoints: etcd?.endpoints ?? ['http://127.0.0.1:2379'] });
  electionContract(
    { describe, it },
    {
      name: 'election-etcd',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { transfer: false },
      // One of each case's own in the one etcd of them all.
      create: () => etcdElection({ engine, name: `/case-${(cases += 1)}/leader`, ttlMs: 3_000 }),
      electedWithinMs: 6_000,
      refuses: {
        factory: etcdElection,
        options: [
          { engine: undefined },
          { engine: {} },
          { engine, name: '' },
          { engine, name: 'a b' },
          { engine, ttlMs: 500 },
          { engine, ttlMs: '5s' },
          { engine, validForMs: 14_900 },
          { engine, renewEveryMs: 0 },
          { engine, callTimeoutMs: 6_000 },
        ],
      },
    },
  );
});
