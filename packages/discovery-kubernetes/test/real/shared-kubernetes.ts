import { type DiscoveredNode, isClusterError, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { type KubernetesClient, kubernetesEngine, type KubernetesObject, listAll } from '@quorate/engine-kubernetes';
import type { KubernetesServer } from '@quorate/test-servers';

export const system = nodeSystem({ logger: silentLogger });
export const SLICES = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' };

/** Of somebody who may do anything. */
export function adminOf(server: KubernetesServer): KubernetesClient {
  const serviceAccount = server.serviceAccount('admin', server.tokens.admin);
  return kubernetesEngine({ server: server.url, serviceAccount }).connect(system.clock);
}

/** A token of a service account, as the kubelet asks for it. */
export async function tokenFor(server: KubernetesServer, namespace: string, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const body = await server.call(
    'POST',
    path,
    JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  );
  return (JSON.parse(body) as { readonly status: { readonly token: string } }).status.token;
}

export interface Endpoint {
  readonly node: DiscoveredNode;
  readonly ready?: boolean;
}

/** A slice of a service with these endpoints, all at the port of the first. */
export function sliceOf(service: string, name: string, endpoints: readonly Endpoint[]): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: endpoints.slice(0, 1).map(({ node }) => ({ name: 'cluster', port: node.port })),
    endpoints: endpoints.map(({ node: { id, host, zone }, ready = true }) => ({
      addresses: [host],
      conditions: { ready },
      targetRef: { kind: 'Pod', name: id },
      zone,
    })),
  };
}

/** Makes these the nodes of the service, each in a slice of its own, and no others. */
export async function publish(
  admin: KubernetesClient,
  service: string,
  nodes: readonly DiscoveredNode[],
): Promise<void> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const { items } = await listAll(admin, SLICES, { namespace: 'default', labelSelector });
  const wanted = nodes.map((node) => sliceOf(service, `${service}-${node.id}`, [{ node }]));
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const known = new Set(items.map(({ metadata }) => metadata.name));
  await Promise.all([
    ...[...known].filter((name) => !names.has(name)).map((name) => admin.delete(SLICES, 'default', name)),
    ...wanted.map((slice) => put(admin, slice, known.has(slice.metadata.name))),
  ]);
}

/** Creates the slice, or puts it in the place of the one there is. */
export async function put(admin: KubernetesClient, slice: KubernetesObject, exists = false): Promise<void> {
  if (exists) await admin.update(SLICES, 'default', slice);
  else await admin.create(SLICES, 'default', slice);
}

export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? error.code : error;
}
