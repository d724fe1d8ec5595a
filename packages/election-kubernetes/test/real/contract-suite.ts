import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import type { KubernetesServer } from '@quorate/test-servers';
import { electionContract } from '@quorate/testkit';
import { beforeAll, describe, it } from 'vitest';

import { kubernetesElection } from '../../src/index.ts';
import { makeLease } from './lease-object.ts';

/** Each case takes another. */
const LEASES = 60;

export function contractSuite(server: KubernetesServer): void {
  const serviceAccount = server.serviceAccount('contract', server.tokens.admin);
  const engine = kubernetesEngine({ server: server.url, serviceAccount });
  let cases = 0;
  // Where the Lease is there already, as made from the manifest, the first leader needn't wait.
  beforeAll(async () => {
    for (let number = 1; number <= LEASES; number += 1) await makeLease(server, `case-${number}`);
  });
  electionContract(
    { describe, it },
    {
      name: 'election-kubernetes',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { transfer: false },
      electedWithinMs: 6_000,
      create: () => kubernetesElection({ engine, name: `case-${(cases += 1)}`, ttlMs: 3_000, retryMs: 200 }),
      refuses: {
        factory: kubernetesElection,
        options: [
          { engine: {} },
          { name: 'Not A Name' },
          { namespace: '' },
          { ttlMs: 1_000 },
          { ttlMs: 2_500 },
          { ttlMs: 3_000, validForMs: 3_000 },
          { renewEveryMs: 20_000 },
          { retryMs: 0 },
          { watchMs: '1m' },
        ],
      },
    },
  );
}
