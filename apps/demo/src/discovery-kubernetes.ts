import { kubernetesDiscovery } from '@quorate/discovery-kubernetes';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { DemoPods } from './demo-pods.ts';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry } from './discovery-registry.ts';
import { startKubernetes } from './kubernetes-server.ts';

const SELECTOR = 'app=quorate-demo';
/** For the demo to notice, and for the API server to write it down. */
const SERVER_MS = 2_000;

/**
 * `--discovery kubernetes`: nodes are the endpoints of a service, `web:cluster` with the name of its port, or in pods with
 * certain labels, `app=web`. Which API server is asked stands behind that, unless the pod or kubectl would know:
 * `app=web@/path/of/kubeconfig`.
 */
export const kubernetesNodes: DiscoveryChoice = {
  make: ({ registry = SELECTOR }) => {
    const [asked = '', kubeconfig] = registry.split('@');
    const engine = kubernetesEngine(kubeconfig === undefined ? {} : { kubeconfig });
    if (/[=! ]/u.test(asked)) return kubernetesDiscovery({ engine, podSelector: asked });
    const [service = '', port] = asked.split(':');
    return kubernetesDiscovery({ engine, service, ...(port !== undefined && { port }) });
  },
  asked: { start: startPods, forgetsWithinMs: SERVER_MS },
};

/** An API server of its own, with a pod for each node, whose kubelet is the demo. */
async function startPods(): Promise<DiscoveryRegistry> {
  const { server, kubeconfig } = await startKubernetes();
  const pods = new DemoPods(server, SELECTOR);
  return {
    place: `${SELECTOR}@${kubeconfig}`,
    publish: (running) => pods.show(running),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
