import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { lockContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { kubernetesLocks } from '../../src/index.ts';

const programs = findKubernetes();
if (programs === undefined) {
  reportAbsent('kube-apiserver');
  it.skip('locks beside a real Kubernetes', () => undefined);
} else {
  const server = await KubernetesServer.start(programs);
  afterAll(() => server[Symbol.asyncDispose]());
  const serviceAccount = server.serviceAccount('locks', server.tokens.admin);
  const engine = kubernetesEngine({ server: server.url, serviceAccount });
  let cases = 0;
  lockContract(
    { describe, it },
    {
      name: 'lock-kubernetes',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { fair: false, shared: false, semaphore: false },
      ttlMs: 2_000,
      create: () => kubernetesLocks({ engine, prefix: `case-${(cases += 1)}`, retryMs: 200 }),
      refuses: {
        factory: kubernetesLocks,
        options: [{ engine: {} }, { prefix: 'Not A Name' }, { namespace: '' }, { maxLocks: 0 }, { retryMs: 0 }],
      },
    },
  );
}
