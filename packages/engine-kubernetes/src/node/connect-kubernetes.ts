import type { Clock } from '@quorate/core';

import { KubernetesClient, type KubernetesClientOptions } from '../client.ts';
import type { KubernetesAccess } from '../kubernetes-access.ts';
import { accessSource } from './access-sources.ts';
import { NodeHttp } from './https.ts';

/** A client of the API server that the access names. Nothing is read and nobody is asked before its first call. */
export function connectKubernetes(
  access: KubernetesAccess,
  clock: Clock,
  options: KubernetesClientOptions = {},
): KubernetesClient {
  return new KubernetesClient(new NodeHttp(accessSource(access)), clock, options);
}
