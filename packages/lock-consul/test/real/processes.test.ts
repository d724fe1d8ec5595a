import { fileURLToPath } from 'node:url';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, HoldingProcess, reportAbsent } from '@quorate/test-servers';
import { lockServerContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { consulLocks } from '../../src/index.ts';

const consul = await ConsulServer.start();
if (consul === undefined) {
  reportAbsent('consul');
  it.skip('locks beside a Consul that fails', () => undefined);
} else {
  afterAll(() => consul[Symbol.asyncDispose]());
  const { address } = consul;
  const program = fileURLToPath(new URL('holding-node.ts', import.meta.url));
  const ttlMs = 3_000;
  const sessionTtlMs = ttlMs / 2;
  let prefix = '';
  let cases = 0;

  lockServerContract(
    { describe, it },
    {
      name: 'lock-consul',
      system: nodeSystem({ logger: silentLogger }),
      supports: { fair: false, shared: false, semaphore: false },
      create: () => {
        prefix = `processes-${(cases += 1)}`;
        const plugin = () => consulLocks({ engine: consulEngine({ address }), prefix, sessionTtlMs });
        return { ...plugin(), create: (context) => plugin().create(context) };
      },
      ttlMs,
      // What is promised, and two seconds of a busy machine.
      expiredWithinMs: 2 * sessionTtlMs + ttlMs + 3_000,
      server: {
        kill: () => consul.kill(),
        start: () => consul.restart(),
        pause: () => consul.pause(),
        resume: () => consul.resume(),
      },
      holder: (name, ttl) => {
        return new HoldingProcess(program, [address, prefix, String(sessionTtlMs), name, String(ttl)]);
      },
      now: () => process.hrtime.bigint(),
    },
  );
}
