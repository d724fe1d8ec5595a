import { kubernetesElection } from '@quorate/election-kubernetes';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { findKubernetes, KubernetesServer } from '@quorate/test-servers';

import type { TakeoverEngine } from './takeover-engine.ts';

/** One API server with its etcd on loopback. */
export const kubernetesTakeover: TakeoverEngine = {
  name: 'kubernetes',
  ttlsMs: [3_000, 15_000],
  start: async () => {
    const programs = findKubernetes();
    if (programs === undefined) return undefined;
    const server = await KubernetesServer.start(programs);
    const serviceAccount = server.serviceAccount('takeover', server.tokens.admin);
    const place = JSON.stringify({ server: server.url, serviceAccount });
    return { place, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
  },
  election: (place, ttlMs) => {
    const access = JSON.parse(place) as { readonly server: string; readonly serviceAccount: string };
    return kubernetesElection({ engine: kubernetesEngine(access), name: `takeover-${ttlMs}`, ttlMs });
  },
};
