import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { oneNode } from '../http/one-node.ts';
import { type Manifest, podArguments, readManifests } from './deploy-files.ts';

const NAMESPACE = 'broker-test';
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:broker`;
const programs = findKubernetes();
if (programs === undefined) reportAbsent('kube-apiserver');

describe.skipIf(programs === undefined)('the manifests, given to an API server', () => {
  let server: KubernetesServer;
  beforeAll(async () => {
    if (programs === undefined) throw new Error('there is no API server');
    server = await KubernetesServer.start(programs);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
    await server.call('POST', '/api/v1/namespaces', JSON.stringify(namespace));
    for (const manifest of readManifests()) await create(manifest);
  }, 120_000);
  afterAll(() => server[Symbol.asyncDispose]());

  const stored = new Map<string, unknown>();

  async function create(manifest: Manifest): Promise<void> {
    const served = asServed(manifest);
    const group = served.apiVersion === 'v1' ? '/api/v1' : `/apis/${served.apiVersion}`;
    const route = `${group}/namespaces/${NAMESPACE}/${pluralOf(served.kind)}`;
    const answer: unknown = JSON.parse(await server.call('POST', route, JSON.stringify(served)));
    stored.set(`${manifest.kind} ${manifest.metadata.name}`, answer);
  }

  it.each(readManifests().map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    '%s %s is stored with every field that it has',
    (kind, name, manifest) => {
      // A field that the server doesn't know is dropped without a word; secrets are stored in another form.
      const { stringData: _, ...fields } = asServed(manifest);
      expect(stored.get(`${kind} ${name}`)).toMatchObject(fields);
    },
  );

  async function isAllowed(verb: string, group: string, resource: string, more: object = {}): Promise<boolean> {
    const resourceAttributes = { namespace: NAMESPACE, verb, group, resource, ...more };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: ACCOUNT, groups: ['system:serviceaccounts'], resourceAttributes },
    };
    const answer = await server.call(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      JSON.stringify(review),
    );
    return (JSON.parse(answer) as { readonly status: { readonly allowed: boolean } }).status.allowed;
  }

  const LEASES = ['coordination.k8s.io', 'leases'] as const;

  it.each([
    ['list', 'discovery.k8s.io', 'endpointslices', {}],
    ['watch', 'discovery.k8s.io', 'endpointslices', {}],
    ['list', ...LEASES, { name: 'quorate-broker' }],
    ['watch', ...LEASES, { name: 'quorate-broker' }],
    ['update', ...LEASES, { name: 'quorate-broker' }],
  ] as const)('let a node %s of %s: %s %j', async (verb, group, resource, more) => {
    expect(await isAllowed(verb, group, resource, more)).toBe(true);
  });

  it.each([
    ['create', ...LEASES, {}],
    ['update', ...LEASES, { name: 'of-another' }],
    ['delete', ...LEASES, { name: 'quorate-broker' }],
    ['list', '', 'pods', {}],
    ['get', '', 'secrets', { name: 'broker' }],
    ['list', 'discovery.k8s.io', 'endpointslices', { namespace: 'default' }],
  ] as const)('do not let a node %s of %s: %s %j', async (verb, group, resource, more) => {
    expect(await isAllowed(verb, group, resource, more)).toBe(false);
  });

  it('start a node that finds the others and is elected, with what its account may do', async () => {
    await create(sliceOf('broker', 'broker-1', '10.1.2.4'));
    const kubeconfig = await kubeconfigOf('broker');
    // As the pod has them, but for what a pod has around it, and with one voter, since the others are not there.
    const inPod = /^--(?:voters|host|port|advertise|registry|http|data|log-level)=/u;
    const args = podArguments().filter((text) => !inPod.test(text));
    const places = [`--registry=broker:cluster@${kubeconfig}`, `--elector=${kubeconfig}`];
    await using one = await oneNode([...args, '--voters=broker-0', ...places]);
    const { cluster } = one.node;
    expect(await cluster.discovery.discoverNodes()).toMatchObject([{ id: 'broker-1', host: '10.1.2.4', port: 7000 }]);
    await vi.waitFor(() => expect(cluster.leader?.nodeId).toBe('broker-0'), { timeout: 20_000 });
  });

  /** A file by which the account reaches the server, with a token as the kubelet would ask for. */
  async function kubeconfigOf(account: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const route = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
    const answer = JSON.parse(await server.call('POST', route, JSON.stringify(request))) as {
      readonly status: { readonly token: string };
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'pod',
      contexts: [{ name: 'pod', context: { cluster: 'here', user: account, namespace: NAMESPACE } }],
      clusters: [{ name: 'here', cluster: { server: server.url, 'certificate-authority': server.caFile } }],
      users: [{ name: account, user: { token: answer.status.token } }],
    };
    const file = path.join(server.folder, 'kubeconfig-of-the-account');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }
});

/** Releases before 1.21 serve the same budget by an older version of its API. */
function asServed(manifest: Manifest): Manifest {
  return manifest.apiVersion === 'policy/v1' ? { ...manifest, apiVersion: 'policy/v1beta1' } : manifest;
}

function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  return name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** What a controller makes of a headless service that also tells of pods that are not ready. */
function sliceOf(service: string, pod: string, address: string): Manifest {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'cluster', port: 7000 }],
    endpoints: [{ addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', name: pod } }],
  };
}
