import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { type KubernetesServer, TcpGate } from '@quorate/test-servers';
import { discoveryContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { kubernetesDiscovery } from '../../src/index.ts';
import { adminOf, publish, system } from './shared-kubernetes.ts';

/** A service of its own in the one Kubernetes, behind a way that can be cut. */
interface Source extends AsyncDisposable {
  readonly service: string;
  readonly gate: TcpGate;
}

export function contractSuite(server: KubernetesServer): void {
  const admin = adminOf(server);
  const serviceAccount = server.serviceAccount('contract', server.tokens.admin);
  let services = 0;
  afterAll(() => admin[Symbol.asyncDispose]());
  discoveryContract<Source>(
    { describe, it },
    {
      name: 'discovery-kubernetes on a real API server',
      system,
      supports: { registration: false, watch: 'push', createIfAbsent: true },
      source: async () => {
        const gate = await TcpGate.open(Number(new URL(server.url).port));
        services += 1;
        return { service: `case-${services}`, gate, [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose]() };
      },
      create: (_nodes, { service, gate }) =>
        kubernetesDiscovery({
          engine: kubernetesEngine({ server: `https://127.0.0.1:${gate.port}`, serviceAccount }),
          service,
          gatherMs: 300,
          timeoutMs: 2_000,
          backoff: { baseMs: 50, maxMs: 200 },
        }),
      publish: ({ service }, nodes) => publish(admin, service, nodes),
      breakSource: ({ gate }) => gate.cut(),
      stallSource: ({ gate }) => gate.stall(),
      repairSource: ({ gate }) => gate.reopen(),
      noticedWithinMs: 3_000,
    },
  );
}
