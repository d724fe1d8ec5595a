import { readFileSync } from 'node:fs';
import path from 'node:path';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type KubernetesClient, kubernetesEngine, kubernetesRecords } from '../../src/index.ts';

const programs = findKubernetes();
if (programs === undefined) reportAbsent('kube-apiserver');
const { clock } = nodeSystem({ logger: silentLogger });
const CONFIG_MAPS = { version: 'v1', plural: 'configmaps' };
const bytes = (text: string) => new TextEncoder().encode(text);

describe.skipIf(programs === undefined)('records in config maps', () => {
  let server: KubernetesServer;
  const owned: AsyncDisposable[] = [];
  beforeAll(async () => {
    server = await KubernetesServer.start(programs as NonNullable<typeof programs>);
  });
  afterEach(async () => {
    for (const part of owned.splice(0)) await part[Symbol.asyncDispose]();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function connect(name: 'admin' | 'nobody' = 'admin', namespace: string = 'default'): KubernetesClient {
    const serviceAccount = server.serviceAccount(`${name}-${namespace}`, server.tokens[name], namespace);
    const client = kubernetesEngine({ server: server.url, serviceAccount }).connect(clock, { timeoutMs: 2_000 });
    owned.push(client);
    return client;
  }

  it('are written by who has seen the last version, and by nobody else', async () => {
    const client = connect();
    const [records, others] = [kubernetesRecords(client), kubernetesRecords(connect(), { namespace: 'default' })];
    const name = 'Daily/report:1';
    expect(await records.read(name)).toBeUndefined();
    expect(await records.write(name, bytes('x'), '1')).toBe(false);
    const created = [records, others].map((each, at) => each.write(name, bytes(String(at)), undefined));
    expect((await Promise.all(created)).filter(Boolean)).toHaveLength(1);
    const seen = await records.read(name);
    expect(await others.read(name)).toEqual(seen);
    expect(await others.write(name, bytes('next'), seen?.version)).toBe(true);
    expect(await records.write(name, bytes('late'), seen?.version)).toBe(false);
    expect(await records.remove(name, seen?.version ?? '')).toBe(false);
    const next = await records.read(name);
    expect(new TextDecoder().decode(next?.value)).toBe('next');
    expect(await records.remove(name, next?.version ?? '')).toBe(true);
    expect(await records.read(name)).toBeUndefined();
    expect(await records.write(name, bytes('late'), next?.version)).toBe(false);
    // As after an operator has deleted it.
    const object = 'quorate-task-z44ailyz2freportz3a1';
    await client.delete(CONFIG_MAPS, 'default', object);
    expect(await records.write(name, bytes('late'), next?.version)).toBe(false);
    expect(await records.write(name, bytes('anew'), undefined)).toBe(true);
    expect((await records.read(name))?.version).not.toBe(next?.version);
  });

  it('that change between the look and the write are not overwritten', async () => {
    const client = connect();
    const records = kubernetesRecords(client, { prefix: 'contested-' });
    for (const value of [undefined, bytes('first')]) {
      const expected = (await records.read('a'))?.version;
      const all = Array.from({ length: 6 }, (_, at) => records.write('a', value ?? bytes(String(at)), expected));
      expect((await Promise.all(all)).filter(Boolean)).toHaveLength(1);
    }
    // What others keep in it stays.
    await client.patch(CONFIG_MAPS, 'default', 'contested-a', {
      metadata: { labels: { app: 'orders' } },
      binaryData: { more: btoa('kept') },
    });
    await records.write('a', bytes('second'), (await records.read('a'))?.version);
    const map = await client.get(CONFIG_MAPS, 'default', 'contested-a');
    expect(map.metadata['labels']).toEqual({ app: 'orders' });
    expect(map['binaryData']).toEqual({ more: btoa('kept'), record: btoa('second') });
  });

  it('are written once though nobody answered the write', async () => {
    const client = connect();
    const records = kubernetesRecords(client, { prefix: 'kept-' });
    await records.write('a', bytes('0'), undefined);
    const seen = await records.read('a');
    // The server stands still once it was asked what is there.
    const stalling = kubernetesRecords(
      {
        namespace: () => client.namespace(),
        get: (...parameters) => client.get(...parameters),
        create: (...parameters) => client.create(...parameters),
        update: (...parameters) => {
          server.api.pause();
          return client.update(...parameters);
        },
      },
      { prefix: 'kept-' },
    );
    const unanswered = stalling.write('a', bytes('1'), seen?.version);
    await expect(unanswered).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    server.api.resume();
    // What was sent may have been done meanwhile, or may yet come; whichever is first is the only one.
    await records.write('a', bytes('1'), seen?.version);
    expect(await records.write('a', bytes('2'), seen?.version)).toBe(false);
    expect(new TextDecoder().decode((await records.read('a'))?.value)).toBe('1');
  });

  it('need no more than the page says, and say what is missing', async () => {
    const namespace = 'orders';
    await server.call('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: namespace } }));
    const records = kubernetesRecords(connect('nobody', namespace));
    const missing = /cannot get resource "configmaps"/u;
    await expect(records.read('report')).rejects.toThrow(missing);
    const page = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, role = ''] = /```yaml\n([^]*?)```/u.exec(page) ?? [];
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await server.call('POST', `${rbac}/roles`, role);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'orders-tasks' };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody' }];
    await server.call('POST', `${rbac}/rolebindings`, JSON.stringify({ metadata: { name: 'b' }, roleRef, subjects }));
    // The server hears of it a little later.
    while ((await records.read('report').catch((error: unknown) => error)) !== undefined);
    expect(await records.write('report', bytes('a'), undefined)).toBe(true);
    const seen = await records.read('report');
    expect(await records.write('report', bytes('b'), seen?.version)).toBe(true);
    expect(await records.remove('report', (await records.read('report'))?.version ?? '')).toBe(true);
    await expect(records.read('other')).rejects.toThrow(missing);
  });

  it('have names that the API knows, in a namespace that is there', async () => {
    const client = connect();
    expect(() => kubernetesRecords(client, { prefix: 'No_' })).toThrow(/prefix must be/u);
    const records = kubernetesRecords(client);
    await expect(records.read('/'.repeat(128))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const nowhere = kubernetesRecords(client, { namespace: 'nowhere' });
    await expect(nowhere.write('a', bytes('x'), undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
