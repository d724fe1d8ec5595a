import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { electionContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { consulElection } from '../../src/index.ts';

const server = await ConsulServer.start();
if (server === undefined) reportAbsent('consul');
afterAll(async () => server?.[Symbol.asyncDispose]());

let cases = 0;

describe.skipIf(server === undefined)('on a real Consul', () => {
  const engine = consulEngine({ address: server?.address ?? 'http://127.0.0.1:8500' });
  electionContract(
    { describe, it },
    {
      name: 'election-consul',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { transfer: false },
      create: () => {
        cases += 1;
        return consulElection({ engine, key: `case-${cases}/.lock`, ttlMs: 2_000, sessionTtlMs: 2_000 });
      },
      electedWithinMs: 5_000,
      refuses: {
        factory: consulElection,
        options: [
          { engine: 'http://127.0.0.1:8500' },
          { engine: null },
          { key: '' },
          { key: '/leader' },
          { key: 'a//b' },
          { key: 'a/../b' },
          { key: 'a b' },
          { ttlMs: 499 },
          { ttlMs: 60_001 },
          { ttlMs: 10_000, validForMs: 9_900 },
          { ttlMs: 10_000, renewEveryMs: 9_000 },
          { ttlMs: 10_000, callTimeoutMs: 5_000 },
          { sessionTtlMs: 100 },
        ],
      },
    },
  );
});
