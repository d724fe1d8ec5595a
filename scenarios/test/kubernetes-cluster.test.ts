import { kubernetesDiscovery } from '@quorate/discovery-kubernetes';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { clusterFormation } from '@quorate/formation';
import { memoryStorage } from '@quorate/memory';
import { findKubernetes, freePorts, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { meets, MeetingNodes } from '../src/meeting-nodes.ts';

const programs = findKubernetes();
if (programs === undefined) reportAbsent('kube-apiserver');
const PODS = '/api/v1/namespaces/default/pods';
const IDS = ['web-0', 'web-1', 'web-2'];

describe.skipIf(programs === undefined)('nodes that know each other from Kubernetes', () => {
  let server: KubernetesServer;
  const nodes = new MeetingNodes();
  beforeAll(async () => {
    server = await KubernetesServer.start(programs as NonNullable<typeof programs>);
  });
  afterEach(() => nodes[Symbol.asyncDispose]());
  afterAll(() => server[Symbol.asyncDispose]());

  /** What scheduler and kubelet make of a StatefulSet: a pod with an address, which is ready. */
  async function run(name: string, app: string, port: number): Promise<void> {
    const container = { name: 'node', image: 'none', ports: [{ name: 'cluster', containerPort: port }] };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app } },
      spec: { containers: [container] },
    };
    await server.call('POST', PODS, JSON.stringify(pod));
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP: '127.0.0.1', conditions };
    await server.call('PATCH', `${PODS}/${name}/status`, JSON.stringify({ status }));
  }

  it('form one cluster, by what a config map keeps of it, though the API server comes last', async () => {
    const serviceAccount = server.serviceAccount('forming', server.tokens.admin);
    const engine = kubernetesEngine({ server: server.url, serviceAccount });
    const ports = await freePorts(IDS.length);
    for (const [at, id] of IDS.entries()) await run(id, 'web', ports[at] ?? 0);
    await server.api.kill();
    const clusters = IDS.map((id, at) =>
      nodes.node(
        id,
        kubernetesDiscovery({ engine, podSelector: 'app=web', port: 'cluster', backoff: { baseMs: 50, maxMs: 500 } }),
        {
          bind: `127.0.0.1:${ports[at]}`,
          storage: memoryStorage(),
          formation: clusterFormation({ expectedNodes: IDS.length }),
        },
      ),
    );
    const met = clusters.map((cluster) =>
      meets(
        cluster,
        IDS.filter((id) => id !== cluster.self.id),
      ),
    );
    const started = Promise.all(clusters.map((cluster) => cluster.start()));
    await server.api.start();
    await started;
    await Promise.all(met);
    expect(new Set(clusters.map(({ id }) => id)).size).toBe(1);
    expect(clusters[0]?.id).toBeDefined();
  });
});
