import { kubernetesElection } from '@quorate/election-kubernetes';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import type { ElectionChoice } from './elections.ts';
import { startKubernetes } from './kubernetes-server.ts';
import type { Profile } from './parts.ts';

/** In whole seconds, as the Lease has them. */
const TTL_MS: Readonly<Record<Profile, number>> = { fast: 2_000, lan: 3_000, wan: 15_000 };
/** Who looks at the Lease now and then sees later that it has not changed. */
const LOOKS = 2;

/** `--election kubernetes`: whoever holds a Lease, together with what uses client-go. */
export const kubernetesLease: ElectionChoice = {
  make: ({ elector, profile }) => {
    const engine = kubernetesEngine(elector === undefined ? {} : { kubeconfig: elector });
    return kubernetesElection({ engine, ttlMs: TTL_MS[profile] });
  },
  longestMs: (profile) => LOOKS * TTL_MS[profile],
  asked: { start: startServer, sharedWith: (registry) => registry.split('@')[1] ?? registry },
};

async function startServer() {
  const { server, kubeconfig } = await startKubernetes();
  return { place: kubeconfig, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
