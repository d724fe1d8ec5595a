import type { KubernetesServer } from '@quorate/test-servers';

const ROUTE = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

/** A Lease that nobody has held, as a manifest makes it. */
export async function makeLease(server: KubernetesServer, name: string): Promise<void> {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } };
  await server.call('POST', ROUTE, JSON.stringify(lease));
}
