import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import {
  type ClusterContext,
  type DiscoveredNode,
  type IClusterDiscovery,
  type Logger,
  silentLogger,
  sleep,
} from '@quorate/core';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { type KubernetesServer, TcpGate } from '@quorate/test-servers';
import { afterAll, afterEach, expect, it } from 'vitest';

import { kubernetesDiscovery, type KubernetesDiscoveryOptions } from '../../src/index.ts';
import { adminOf, codeOf, put, SLICES, sliceOf, system, tokenFor } from './shared-kubernetes.ts';

const { clock } = system;
const folder = (name: string) => path.join(import.meta.dirname, '../../manifests', name);
const idsOf = (nodes: readonly DiscoveredNode[]) =>
  nodes
    .map(({ id }) => id ?? '?')
    .sort()
    .join(' ');
const node = (id: string) => ({ id, host: `10.9.1.${id.charCodeAt(0) % 200}`, port: 7000 });
const endpoint = (id: string, ready = true) => ({ node: node(id), ready });

/** The last of its cases leaves the server with another certificate than it had. */
export function faultSuite(server: KubernetesServer): void {
  const admin = adminOf(server);
  const owned: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const part of owned.splice(0)) await part[Symbol.asyncDispose]();
  });
  afterAll(() => admin[Symbol.asyncDispose]());

  interface Watched {
    readonly discovery: IClusterDiscovery;
    readonly lines: string[];
    /** What the watch told last. */
    readonly ids: () => string;
  }

  /** A discovery that is watched, asking with the credentials in this folder. */
  function watch(serviceAccount: string, options: Partial<KubernetesDiscoveryOptions>, url = server.url): Watched {
    const lines: string[] = [];
    const note = (message: string, ...details: unknown[]) =>
      void lines.push([message, ...details.map(String)].join(' '));
    const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };
    const context = {
      ...system,
      logger,
      self: { id: 'me', host: '10.9.9.9', port: 7000 },
    } as unknown as ClusterContext;
    const engine = kubernetesEngine({ server: url, serviceAccount });
    const quick = { timeoutMs: 1_500, watchMs: 2_000, gatherMs: 20, backoff: { baseMs: 50, maxMs: 500 } };
    const discovery = kubernetesDiscovery({ engine, ...quick, ...options }).create(context);
    owned.push(discovery);
    let ids = '';
    const follow = async () => {
      for await (const { nodes } of discovery.watch()) ids = idsOf(nodes);
    };
    void follow();
    return { discovery, lines, ids: () => ids };
  }

  async function until(what: string, condition: () => boolean, withinMs = 10_000): Promise<number> {
    const start = clock.now();
    while (!condition()) {
      if (clock.now() - start > withinMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
      await sleep(clock, 10);
    }
    return clock.now() - start;
  }

  const sees = ({ ids }: Watched, wanted: string, withinMs?: number) =>
    until(`a watch to tell "${wanted}"`, () => ids() === wanted, withinMs);

  const asAdmin = () => server.serviceAccount('admin', server.tokens.admin);

  it('tells of slices that appear, change and vanish, and of endpoints that are not ready on demand', async () => {
    const plain = watch(asAdmin(), { service: 'slices' });
    const all = watch(asAdmin(), { service: 'slices', include: 'all', port: 'cluster' });
    await put(admin, sliceOf('slices', 'slices-1', [endpoint('a'), endpoint('b', false)]));
    await sees(plain, 'a');
    await sees(all, 'a b');
    await put(admin, sliceOf('slices', 'slices-2', [endpoint('c')]));
    await sees(plain, 'a c');
    await put(admin, sliceOf('slices', 'slices-1', [endpoint('a', false), endpoint('b')]), true);
    const tookMs = await sees(plain, 'b c');
    expect(tookMs).toBeLessThan(1_000);
    await admin.delete(SLICES, 'default', 'slices-2');
    await sees(plain, 'b');
    await sees(all, 'a b');
    // An empty slice is sent with null for its lists, by servers of this age.
    await put(admin, sliceOf('slices', 'slices-3', []));
    await put(admin, sliceOf('slices', 'slices-4', [endpoint('d')]));
    await sees(plain, 'b d');
    expect([...plain.lines, ...all.lines]).toEqual([]);
  });

  it('goes on where the server is stopped, killed with a history that is gone, or cut off', async () => {
    const gate = await TcpGate.open(Number(new URL(server.url).port));
    owned.push(gate);
    const watched = watch(asAdmin(), { service: 'faults' }, `https://127.0.0.1:${gate.port}`);
    await put(admin, sliceOf('faults', 'faults-1', [endpoint('a')]));
    await sees(watched, 'a');

    server.api.pause();
    expect(await codeOf(watched.discovery.discoverNodes())).toBe('TIMEOUT');
    server.api.resume();
    await put(admin, sliceOf('faults', 'faults-2', [endpoint('b')]));
    await sees(watched, 'a b');

    // Nobody is told that the connection is gone: the life of the watch bounds how long that stays unnoticed.
    gate.stall();
    await put(admin, sliceOf('faults', 'faults-3', [endpoint('c')]));
    await until(
      'the silence to be noticed',
      () => watched.lines.some((line) => line.includes('silent')),
      2_000 + 1_500 + 1_000,
    );
    gate.cut();
    await admin.delete(SLICES, 'default', 'faults-2');
    await server.compact();
    await server.api.kill();
    expect(['DISCONNECTED', 'TIMEOUT']).toContain(await codeOf(watched.discovery.discoverNodes()));
    await server.api.start();
    expect(watched.ids()).toBe('a b');
    gate.reopen();
    await sees(watched, 'a c');

    await watched.discovery[Symbol.asyncDispose]();
    await until('its connections to be closed', () => gate.connections === 0);
  });

  it('needs no more than the manifests allow, and takes a new token and another authority as they come', async () => {
    await applyManifests('ours', ['rbac.yaml', 'rbac-pods.yaml', 'rbac-claim.yaml', 'stateful-set.yaml']);
    const first = await tokenFor(server, 'ours', 'quorate');
    const serviceAccount = server.serviceAccount('ours', first, 'ours');
    const watched = watch(serviceAccount, { service: 'web', port: 'cluster' });
    const slice = (name: string, ids: string) =>
      sliceOf(
        'web',
        name,
        ids.split(' ').map((id) => endpoint(id)),
      );
    await admin.create(SLICES, 'ours', slice('web-1', 'a b'));
    await sees(watched, 'a b');
    expect(await watched.discovery.claim?.(new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 2]));
    const pods = watch(serviceAccount, { podSelector: 'app=web' });
    expect(await pods.discovery.discoverNodes()).toEqual([]);
    const elsewhere = watch(serviceAccount, { service: 'web', namespace: 'default' });
    const refusal = /permission for this is missing .*cannot list resource "endpointslices".*namespace "default"/u;
    await expect(elsewhere.discovery.discoverNodes()).rejects.toThrow(refusal);

    // A token whose account is gone is worth nothing, and the account's successor has another.
    await admin.delete(ACCOUNTS, 'ours', 'quorate');
    await admin.create(ACCOUNTS, 'ours', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'quorate' } });
    await server.replaceCertificate();
    expect(await codeOf(watched.discovery.discoverNodes())).toBe('DISCONNECTED');
    writeFileSync(path.join(serviceAccount, 'ca.crt'), readFileSync(server.caFile));
    await expect(watched.discovery.discoverNodes()).rejects.toThrow(/credentials are not accepted \(401/u);
    const second = await tokenFor(server, 'ours', 'quorate');
    writeFileSync(path.join(serviceAccount, 'token'), second);
    const renewed = adminOf(server);
    owned.push(renewed);
    await renewed.create(SLICES, 'ours', slice('web-2', 'c'));
    await sees(watched, 'a b c');
    const lines = [...watched.lines, ...pods.lines, ...elsewhere.lines].join('\n');
    expect(lines).not.toBe('');
    for (const token of [first, second]) expect(lines).not.toContain(token.slice(0, 20));
  });

  const ACCOUNTS = { version: 'v1', plural: 'serviceaccounts' };

  /** Creates what the files hold in a namespace of its own; the server must have understood each field of it. */
  async function applyManifests(namespace: string, files: readonly string[]): Promise<void> {
    await server.call(
      'POST',
      '/api/v1/namespaces',
      `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"${namespace}"}}`,
    );
    for (const file of files) {
      for (const text of readFileSync(folder(file), 'utf8').split('\n---\n')) {
        const [, version = ''] = /^apiVersion: (.+)$/mu.exec(text) ?? [];
        const [, kind = ''] = /^kind: (.+)$/mu.exec(text) ?? [];
        const root = version === 'v1' ? '/api/v1' : `/apis/${version}`;
        const stored = await server.call('POST', `${root}/namespaces/${namespace}/${kind.toLowerCase()}s`, text);
        for (const [, field = ''] of text.matchAll(/^[ -]*([A-Za-z]+):/gmu)) expect(stored).toContain(`"${field}":`);
      }
    }
  }
}
