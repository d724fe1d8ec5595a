import { readFileSync } from 'node:fs';
import path from 'node:path';

import { type KubernetesClient, kubernetesEngine } from '@quorate/engine-kubernetes';
import type { KubernetesServer } from '@quorate/test-servers';
import { expect, it } from 'vitest';

import { Contenders, system, until } from './contenders.ts';
import { makeLease } from './lease-object.ts';
import { writeFenced } from './write-fenced.ts';

const CONFIG_MAPS = { version: 'v1', plural: 'configmaps' };

export function permissionSuite(server: KubernetesServer): void {
  it('needs no more than the manifests allow, and says what is missing', async () => {
    const namespace = 'orders';
    await server.call('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: namespace } }));
    await apply(namespace, 'rbac.yaml');
    const token = await tokenOf(namespace, 'orders');
    await using contenders = new Contenders(server, 'orders-leader');
    const node = await contenders.add('a', { namespace }, {}, token);
    contenders.ask(node);
    const complaint = (): boolean => node.lines.some((line) => line.includes('cannot create resource "leases"'));
    await until('a complaint', complaint);
    await apply(namespace, 'lease.yaml');
    await contenders.leads(node);
    const { deadline } = node.election.leadership ?? { deadline: 0 };
    await until('a renewal', () => (node.election.leadership?.deadline ?? 0) > deadline);
    await node.election.resign();

    await using others = new Contenders(server, 'others');
    const elsewhere = await others.add('a', { namespace }, {}, token);
    others.ask(elsewhere);
    await until('a refusal', () => elsewhere.lines.some((line) => line.includes('cannot list resource "leases"')));
    expect(elsewhere.lines.join('\n')).not.toContain(token.slice(0, 20));
  });

  it('creates the Lease where it may, and then waits once for as long as a lease lasts', async () => {
    const namespace = 'makes-its-own';
    await server.call('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: namespace } }));
    for (const file of ['rbac.yaml', 'rbac-create.yaml']) await apply(namespace, file);
    await using contenders = new Contenders(server, 'orders-leader');
    const node = await contenders.add('a', { namespace, ttlMs: 2_000 }, {}, await tokenOf(namespace, 'orders'));
    contenders.ask(node);
    const tookMs = await contenders.leads(node);
    expect(tookMs).toBeGreaterThan(1_500);
    await node.election.resign();
    contenders.ask(node);
    expect(await contenders.leads(node)).toBeLessThan(1_500);
  });

  it('tokens fence what arrives late: a write on the condition that nobody has written since', async () => {
    await using contenders = new Contenders(server, 'fencing');
    await makeLease(server, 'fencing');
    const [first, second] = [await contenders.add('a'), await contenders.add('b')];
    contenders.ask(first);
    await contenders.leads(first);
    const stale = first.election.leadership?.token ?? 0n;
    await using client = admin();
    await client.create(CONFIG_MAPS, 'default', { metadata: { name: 'book' }, data: { by: 'nobody' } });

    // It has looked, and stands still before it writes.
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: looked, resolve: hasLooked } = Promise.withResolvers<void>();
    const slow: Pick<KubernetesClient, 'get' | 'update'> = {
      get: (...parameters) => client.get(...parameters),
      update: async (...parameters) => {
        hasLooked();
        await held;
        return client.update(...parameters);
      },
    };
    const late = writeFenced(slow, 'book', stale, { by: 'a' });
    await looked;
    await first.election.resign();
    contenders.ask(second);
    await contenders.leads(second);
    const token = second.election.leadership?.token ?? 0n;
    expect(await writeFenced(client, 'book', token, { by: 'b' })).toBe(true);
    goOn();
    expect(await late).toBe(false);
    expect((await client.get(CONFIG_MAPS, 'default', 'book'))['data']).toEqual({ by: 'b' });
  });

  function admin(): KubernetesClient {
    const serviceAccount = server.serviceAccount('operator', server.tokens.admin);
    return kubernetesEngine({ server: server.url, serviceAccount }).connect(system.clock);
  }

  async function apply(namespace: string, file: string): Promise<void> {
    const text = readFileSync(path.join(import.meta.dirname, '../../manifests', file), 'utf8');
    for (const part of text.split('\n---\n')) {
      const [, version = ''] = /^apiVersion: (.+)$/mu.exec(part) ?? [];
      const [, kind = ''] = /^kind: (.+)$/mu.exec(part) ?? [];
      const root = version === 'v1' ? '/api/v1' : `/apis/${version}`;
      await server.call('POST', `${root}/namespaces/${namespace}/${kind.toLowerCase()}s`, part);
    }
  }

  /** As the kubelet asks for it. */
  async function tokenOf(namespace: string, account: string): Promise<string> {
    const route = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const body = await server.call('POST', route, JSON.stringify(request));
    return (JSON.parse(body) as { readonly status: { readonly token: string } }).status.token;
  }
}
