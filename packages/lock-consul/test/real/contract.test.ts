import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { lockContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { consulLocks } from '../../src/index.ts';

const server = await ConsulServer.start();
if (server === undefined) reportAbsent('consul');
afterAll(async () => server?.[Symbol.asyncDispose]());

let cases = 0;

describe.skipIf(server === undefined)('on a real Consul', () => {
  const engine = consulEngine({ address: server?.address ?? 'http://127.0.0.1:8500' });
  lockContract(
    { describe, it },
    {
      name: 'lock-consul',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { fair: false, shared: false, semaphore: false },
      create: () => {
        cases += 1;
        return consulLocks({ engine, prefix: `case-${cases}`, sessionTtlMs: 2_000 });
      },
      ttlMs: 2_000,
      refuses: {
        factory: consulLocks,
        options: [
          { engine: 'http://127.0.0.1:8500' },
          { engine: null },
          { prefix: '' },
          { prefix: 'a/' },
          { prefix: 'a/./b' },
          { sessionTtlMs: 100 },
          { maxLocks: 0 },
        ],
      },
    },
  );
});
