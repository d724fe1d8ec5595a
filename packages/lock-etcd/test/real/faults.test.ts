import { fileURLToPath } from 'node:url';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, HoldingProcess, reportAbsent } from '@quorate/test-servers';
import { lockServerContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { etcdLocks } from '../../src/index.ts';

const etcd = await EtcdCluster.start();
if (etcd === undefined) {
  reportAbsent('etcd');
  it.skip('locks beside an etcd that fails', () => undefined);
} else {
  afterAll(() => etcd[Symbol.asyncDispose]());
  const { endpoints } = etcd;
  const program = fileURLToPath(new URL('holding-node.ts', import.meta.url));
  const ttlMs = 4_000;
  let prefix = '';
  let cases = 0;

  lockServerContract(
    { describe, it },
    {
      name: 'lock-etcd',
      system: nodeSystem({ logger: silentLogger }),
      supports: { fair: true, shared: true, semaphore: true },
      create: () => {
        prefix = `/faults-${(cases += 1)}/`;
        const plugin = () => etcdLocks({ engine: etcdEngine({ endpoints }), prefix });
        return { ...plugin(), create: (context) => plugin().create(context) };
      },
      ttlMs,
      // A second of etcd's, and two of a busy machine: a second term of the lease would be longer.
      expiredWithinMs: ttlMs + 3_000,
      server: etcd.member(0),
      holder: (name, ttl) => new HoldingProcess(program, [endpoints[0] ?? '', prefix, name, String(ttl)]),
      now: () => process.hrtime.bigint(),
    },
  );
}
