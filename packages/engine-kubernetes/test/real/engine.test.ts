import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type ClusterError, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  isExpired,
  type KubernetesClient,
  kubernetesEngine,
  type KubernetesEngineOptions,
  statusOf,
} from '../../src/index.ts';

const programs = findKubernetes();
if (programs === undefined) reportAbsent('kube-apiserver');
const { clock } = nodeSystem({ logger: silentLogger });
const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
const HERE = { namespace: 'default' };
const lease = (name: string, spec: object, resourceVersion?: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  spec,
});

describe.skipIf(programs === undefined)('the client of a real API server', () => {
  let server: KubernetesServer;
  const owned: AsyncDisposable[] = [];
  beforeAll(async () => {
    server = await KubernetesServer.start(programs as NonNullable<typeof programs>);
  });
  afterEach(async () => {
    for (const part of owned.splice(0)) await part[Symbol.asyncDispose]();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function connect(options: KubernetesEngineOptions): KubernetesClient {
    const client = kubernetesEngine(options).connect(clock, { watchMs: 2_000 });
    owned.push(client);
    return client;
  }

  const asAdmin = () =>
    connect({ server: server.url, serviceAccount: server.serviceAccount('admin', server.tokens.admin) });

  async function failureOf(call: Promise<unknown>): Promise<ClusterError> {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error as ClusterError;
  }

  it('creates, reads, changes and deletes, and refuses to overwrite what has changed meanwhile', async () => {
    const client = asAdmin();
    const created = await client.create(LEASES, 'default', lease('leader', { holderIdentity: 'a' }));
    expect(await client.get(LEASES, 'default', 'leader')).toEqual(created);
    const { resourceVersion } = created.metadata;
    const updated = await client.update(LEASES, 'default', lease('leader', { holderIdentity: 'b' }, resourceVersion));
    expect(updated['spec']).toEqual({ holderIdentity: 'b' });
    const late = await failureOf(
      client.update(LEASES, 'default', lease('leader', { holderIdentity: 'c' }, resourceVersion)),
    );
    expect([late.outcome, statusOf(late)?.code, statusOf(late)?.reason]).toEqual(['not-applied', 409, 'Conflict']);
    const patched = await client.patch(LEASES, 'default', 'leader', { spec: { leaseDurationSeconds: 15 } });
    expect(patched['spec']).toEqual({ holderIdentity: 'b', leaseDurationSeconds: 15 });
    await client.delete(LEASES, 'default', 'leader');
    expect((await failureOf(client.get(LEASES, 'default', 'leader'))).code).toBe('NOT_FOUND');
  });

  it('asks as whom the kubeconfig says: by token, by a file with one, by a certificate', async () => {
    const file = path.join(server.folder, 'kubeconfig');
    const { cert, key } = await server.clients.issue('somebody');
    const base64 = (of: string) => readFileSync(of).toString('base64');
    writeFileSync(path.join(server.folder, 'token'), `${server.tokens.admin}\n`);
    const users = {
      token: `token: ${server.tokens.nobody}`,
      file: 'tokenFile: token',
      data: `client-certificate-data: ${base64(cert)}, client-key-data: ${base64(key)}`,
      files: `client-certificate: ${path.basename(cert)}, client-key: ${path.basename(key)}`,
    };
    const names = Object.keys(users);
    writeFileSync(
      file,
      `clusters: [{ name: c, cluster: { server: '${server.url}', certificate-authority-data: ${base64(server.caFile)} } }]
contexts: [${names.map((name) => `{ name: ${name}, context: { cluster: c, user: ${name}, namespace: of-${name} } }`).join()}]
users: [${Object.entries(users)
        .map(([name, user]) => `{ name: ${name}, user: { ${user} } }`)
        .join()}]
current-context: file
`,
    );
    const list = (context?: string) =>
      connect({ kubeconfig: file, ...(context === undefined ? {} : { context }) }).list(LEASES, HERE, { limit: 1 });
    expect((await list()).items).toEqual([]);
    await expect(list('token')).rejects.toThrow(/403 Forbidden .*User "nobody" cannot list resource "leases"/u);
    for (const context of ['data', 'files'])
      await expect(list(context)).rejects.toThrow(/User "somebody" cannot list/u);
    expect(await connect({ kubeconfig: file, context: 'data' }).namespace()).toBe('of-data');
    const stranger = server.serviceAccount('stranger', 'no-such-token');
    await expect(
      connect({ server: server.url, serviceAccount: stranger }).list(LEASES, HERE, { limit: 1 }),
    ).rejects.toThrow(/credentials are not accepted \(401 Unauthorized/u);
  });

  it('tells that a page and a version are gone, and ends a watch in time', async () => {
    const client = asAdmin();
    for (const name of ['a', 'b', 'c']) await client.create(LEASES, 'default', lease(name, {}));
    const page = await client.list(LEASES, HERE, { limit: 1 });
    expect(page.next).toBeDefined();
    const watchFrom = async (version: string) => {
      const types: string[] = [];
      for await (const { type } of client.watch(LEASES, HERE, version)) types.push(type);
      return types;
    };
    const start = clock.now();
    expect(await watchFrom(page.resourceVersion)).not.toContain('ADDED');
    expect(Math.abs(clock.now() - start - 2_000)).toBeLessThan(1_500);
    await client.create(LEASES, 'default', lease('d', {}));
    await server.compact();
    expect(isExpired(await failureOf(client.list(LEASES, HERE, { limit: 1, next: page.next })))).toBe(true);
    // The server watches etcd itself and remembers for a while; one that has just started doesn't.
    await server.api.kill();
    await server.api.start();
    const gone = await failureOf(watchFrom(page.resourceVersion));
    expect([isExpired(gone), statusOf(gone)?.reason]).toEqual([true, 'Expired']);
  });
});
