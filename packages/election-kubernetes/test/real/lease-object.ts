import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { type KubernetesClient, kubernetesEngine, type KubernetesObject } from '@quorate/engine-kubernetes';
import type { KubernetesServer } from '@quorate/test-servers';

const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };

/** A Lease that nobody has held, as a manifest makes it. */
export async function makeLease(server: KubernetesServer, name: string): Promise<void> {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } };
  await using client = adminOf(server);
  await client.create(LEASES, 'default', lease);
}

export async function patchLease(
  server: KubernetesServer,
  name: string,
  patch: Readonly<Record<string, unknown>>,
): Promise<void> {
  await using client = adminOf(server);
  await client.patch(LEASES, 'default', name, patch);
}

export async function deleteLease(server: KubernetesServer, name: string): Promise<void> {
  await using client = adminOf(server);
  await client.delete(LEASES, 'default', name);
}

export async function readLease(server: KubernetesServer, name: string): Promise<KubernetesObject> {
  await using client = adminOf(server);
  return await client.get(LEASES, 'default', name);
}

/** As an operator with kubectl. */
function adminOf(server: KubernetesServer): KubernetesClient {
  const serviceAccount = server.serviceAccount('operator', server.tokens.admin);
  return kubernetesEngine({ server: server.url, serviceAccount }).connect(nodeSystem({ logger: silentLogger }).clock);
}
