import { fileURLToPath } from 'node:url';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { findKubernetes, HoldingProcess, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { lockServerContract } from '@quorate/testkit';
import { afterAll, describe, it, vi } from 'vitest';

import { kubernetesLocks } from '../../src/index.ts';

// An API server takes seconds of a processor to start, which a busy machine may not give it at once.
const CASE_LIMIT_MS = 55_000;
vi.setConfig({ testTimeout: CASE_LIMIT_MS + 5_000 });

const programs = findKubernetes();
if (programs === undefined) {
  reportAbsent('kube-apiserver');
  it.skip('locks beside an API server that fails', () => undefined);
} else {
  const kubernetes = await KubernetesServer.start(programs);
  afterAll(() => kubernetes[Symbol.asyncDispose]());
  const serviceAccount = kubernetes.serviceAccount('locks', kubernetes.tokens.admin);
  const program = fileURLToPath(new URL('holding-node.ts', import.meta.url));
  const ttlMs = 4_000;
  let prefix = '';
  let cases = 0;

  lockServerContract(
    { describe, it },
    {
      name: 'lock-kubernetes',
      system: nodeSystem({ logger: silentLogger }),
      supports: { fair: false, shared: false, semaphore: false },
      create: () => {
        prefix = `faults-${(cases += 1)}`;
        const engine = () => kubernetesEngine({ server: kubernetes.url, serviceAccount });
        const plugin = () => kubernetesLocks({ engine: engine(), prefix, retryMs: 200 });
        return { ...plugin(), create: (context) => plugin().create(context) };
      },
      caseLimitMs: CASE_LIMIT_MS,
      ttlMs,
      // What a busy machine takes: a second term of the lease would be longer.
      expiredWithinMs: ttlMs + 3_000,
      server: kubernetes.api,
      holder: (name, ttl) => {
        return new HoldingProcess(program, [kubernetes.url, serviceAccount, prefix, name, String(ttl)]);
      },
      now: () => process.hrtime.bigint(),
    },
  );
}
