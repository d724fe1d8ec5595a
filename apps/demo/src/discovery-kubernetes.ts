import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubernetesDiscovery } from '@quorate/discovery-kubernetes';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { findKubernetes, KubernetesServer } from '@quorate/test-servers';
import { DemoPods } from './demo-pods.ts';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry } from './discovery-registry.ts';

const SELECTOR = 'app=quorate-demo';
/** For the demo to notice, and for the API server to write it down. */
const SERVER_MS = 2_000;

/**
 * `--discovery kubernetes`: nodes are in pods with certain labels. What is asked is a selector, and which API server,
 * unless kubectl would know: `app=web@/path/of/kubeconfig`.
 */
export const kubernetesNodes: DiscoveryChoice = {
  make: ({ registry = SELECTOR }) => {
    const [podSelector = '', kubeconfig] = registry.split('@');
    const engine = kubernetesEngine(kubeconfig === undefined ? {} : { kubeconfig });
    return kubernetesDiscovery({ engine, podSelector });
  },
  asked: { start: startKubernetes, forgetsWithinMs: SERVER_MS },
};

/** An API server of its own, with a pod for each node, whose kubelet is the demo. */
async function startKubernetes(): Promise<DiscoveryRegistry> {
  const programs = findKubernetes();
  if (programs === undefined) {
    throw new Error('kube-apiserver is not to be had here: tools/build-kubernetes.sh builds one, in some minutes');
  }
  const server = await KubernetesServer.start(programs);
  const kubeconfig = join(server.folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(server)), { mode: 0o600 });
  const pods = new DemoPods(server, SELECTOR);
  return {
    place: `${SELECTOR}@${kubeconfig}`,
    publish: (running) => pods.show(running),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function kubeconfigOf({ url, caFile, tokens }: KubernetesServer): object {
  const name = 'demo';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name, user: { token: tokens.admin } }],
  };
}
