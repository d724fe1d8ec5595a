import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import path from 'node:path';

import { type ClusterNode, type IClusterDiscovery, isClusterError, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { consulDiscovery, type ConsulDiscoveryOptions } from '../../src/index.ts';
import { contextOf } from './shared-consul.ts';
import { idsOf, until, Watcher } from './watcher.ts';

const { clock } = nodeSystem();
const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');

const owned: AsyncDisposable[] = [];
afterEach(async () => {
  for (const part of owned.splice(0)) await part[Symbol.asyncDispose]();
});
afterAll(async () => started?.[Symbol.asyncDispose]());

function discover(id: string, options: ConsulDiscoveryOptions, lines: string[] = []): IClusterDiscovery {
  const note = (message: string) => void lines.push(message);
  const logger = { ...silentLogger, info: note, warn: note };
  const quick = { ttlMs: 1_500, timeoutMs: 1_500, waitMs: 60_000, backoff: { baseMs: 50, maxMs: 500 } };
  const discovery = consulDiscovery({ ...quick, ...options }).create(contextOf(id, logger));
  owned.push(discovery);
  return discovery;
}

const node = (id: string, port = 7_000): ClusterNode => ({ id, host: '10.9.0.7', port });

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? error.code : error;
}

describe.skipIf(started === undefined)('discovery from a Consul that fails', () => {
  const server = started as ConsulServer;
  const engine = () => consulEngine({ address: server.address });

  it('goes on when the agent is killed and comes back, with and without what it knew', async () => {
    const service = 'killed';
    const warnings: string[] = [];
    const [a, b] = [
      discover('a', { engine: engine(), service }, warnings),
      discover('b', { engine: engine(), service }),
    ];
    const observer = discover('observer', { engine: engine(), service });
    const watcher = new Watcher(clock, observer);
    await a.registerNode(node('a', 7_001));
    await watcher.sees('a');
    await server.kill();
    await until(clock, 'a warning', () => warnings.length > 0);
    expect(warnings[0]).toContain('keeping killed:test:a registered fails');
    expect(await codeOf(observer.discoverNodes())).toBe('DISCONNECTED');
    expect(await codeOf(b.registerNode(node('b', 7_002)))).toBe('DISCONNECTED');
    expect(watcher.ids).toBe('a');
    await server.restart();
    await b.registerNode(node('b', 7_002));
    await watcher.sees('a b');

    await server.kill();
    await server.forget();
    await server.restart();
    // Its index begins anew, far below what was asked for before.
    await until(clock, 'both are registered again', async () => idsOf(await observer.discoverNodes()) === 'a b');
    const c = discover('c', { engine: engine(), service });
    await c.registerNode(node('c', 7_003));
    await watcher.sees('a b c');
    await a.unregisterNode('a');
    await watcher.sees('b c');
  });

  it('says that a stopped agent does not answer, and goes on when it does', async () => {
    const service = 'stopped';
    const a = discover('a', { engine: engine(), service, ttlMs: 10_000 });
    const observer = discover('observer', { engine: engine(), service });
    const watcher = new Watcher(clock, observer);
    await a.registerNode(node('a'));
    await watcher.sees('a');
    server.pause();
    try {
      expect(await codeOf(observer.discoverNodes())).toBe('TIMEOUT');
    } finally {
      server.resume();
    }
    await discover('b', { engine: engine(), service }).registerNode(node('b', 7_002));
    await watcher.sees('a b');
    expect(watcher.told.every(({ nodes }) => nodes.length > 0 || watcher.told[0]?.nodes.length === 0)).toBe(true);
  });

  it('lets a node go that was killed, by its time to live', async () => {
    const service = 'dying';
    const file = path.join(import.meta.dirname, 'registered-process.ts');
    const args = ['--conditions=@quorate/source', file, server.address, service, 'dying'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await discover('a', { engine: engine(), service }).registerNode(node('a', 7_001));
      const watcher = new Watcher(clock, discover('observer', { engine: engine(), service }));
      await once(child.stdout, 'data');
      await watcher.sees('a dying');
      // Long enough for a check without signs of life to fail.
      await new Promise((resolve) => void clock.setTimer(2_500, () => resolve(undefined)));
      expect(watcher.ids).toBe('a dying');
      child.kill('SIGKILL');
      await watcher.sees('a');
    } finally {
      child.kill('SIGKILL');
    }
    const checks = (await server.call('GET', `/v1/health/checks/${service}`)) as readonly Record<string, unknown>[];
    const failed = checks.find(({ Status }) => Status === 'critical');
    expect(failed).toMatchObject({ ServiceID: 'dying:test:dying', Type: 'ttl' });
    const all = discover('all', { engine: engine(), service, passingOnly: false });
    expect(idsOf(await all.discoverNodes())).toBe('a dying');
  });

  it('is registered again when somebody deregistered it', async () => {
    const service = 'deregistered';
    const observer = discover('observer', { engine: engine(), service });
    await discover('a', { engine: engine(), service }).registerNode(node('a'));
    await server.call('PUT', '/v1/agent/service/deregister/deregistered:test:a');
    await until(clock, 'it is back', async () => idsOf(await observer.discoverNodes()) === 'a');
  });

  it('tells all of a node, and answers DNS with it', async () => {
    const service = 'described';
    const metadata = { rack: '7', 'a key that Consul refuses': 'ü'.repeat(300), note: 'x'.repeat(600) };
    const whole: ClusterNode = {
      ...node('a', 7_021),
      host: '10.9.0.21',
      zone: 'z1',
      region: 'r1',
      weight: 2.5,
      metadata,
    };
    await discover('a', { engine: engine(), service, tags: ['blue'] }).registerNode(whole);
    const found = await discover('observer', { engine: engine(), service, withTags: ['blue'] }).discoverNodes();
    expect(found).toEqual([whole]);
    expect(await discover('observer', { engine: engine(), service, withTags: ['red'] }).discoverNodes()).toEqual([]);
    const resolver = new Resolver({ timeout: 1_000, tries: 3 });
    resolver.setServers([`127.0.0.1:${server.dnsPort}`]);
    const [record] = await resolver.resolveSrv(`blue.${service}.service.consul`);
    expect(record).toMatchObject({ port: 7_021, weight: 3 });
    expect(await resolver.resolve4(record?.name ?? '')).toEqual(['10.9.0.21']);
  });

  it('sees nothing of another cluster that shares the service', async () => {
    const service = 'shared';
    await discover('a', { engine: engine(), service }).registerNode(node('a'));
    const stranger = consulDiscovery({ engine: engine(), service }).create(contextOf('x', silentLogger, 'other'));
    owned.push(stranger);
    await stranger.registerNode(node('x', 7_009));
    expect(idsOf(await stranger.discoverNodes())).toBe('');
    expect(idsOf(await discover('observer', { engine: engine(), service }).discoverNodes())).toBe('a');
  });
});

describe.skipIf(started === undefined)('discovery from a Consul with access control', () => {
  it('tells missing rights from nobody, and takes a new token while it runs', async () => {
    await using server = (await ConsulServer.start({ acl: true })) as ConsulServer;
    const { address } = server;
    const service = 'guarded';
    const rules = `service "${service}" { policy = "write" } node_prefix "" { policy = "read" }`;
    await server.call('PUT', '/v1/acl/policy', { Name: 'member', Rules: rules });
    const makeToken = async (Policies: readonly object[]) =>
      (await server.call('PUT', '/v1/acl/token', { Policies })) as {
        readonly AccessorID: string;
        readonly SecretID: string;
      };
    const [first, second, powerless] = [
      await makeToken([{ Name: 'member' }]),
      await makeToken([{ Name: 'member' }]),
      await makeToken([]),
    ];

    for (const token of [undefined, powerless.SecretID]) {
      const stranger = discover('x', {
        engine: consulEngine({ address, ...(token === undefined ? {} : { token }) }),
        service,
      });
      const refusal = await stranger.discoverNodes().catch(String);
      expect(refusal).toContain('it lacks service:read and node:read');
      const unregistered = await stranger.registerNode(node('x')).catch(String);
      expect(unregistered).toContain('403 Permission denied');
      expect(JSON.stringify([refusal, unregistered])).not.toContain(powerless.SecretID);
    }

    let token = first.SecretID;
    const lines: string[] = [];
    // A token from a file ends with a newline.
    const guarded = () => consulEngine({ address, token: () => `${token}\n` });
    const a = discover('a', { engine: guarded(), service }, lines);
    expect(await a.discoverNodes()).toEqual([]);
    await a.registerNode(node('a', 7_001));
    const b = discover('b', { engine: guarded(), service }, lines);
    await b.registerNode(node('b', 7_002));
    const watcher = new Watcher(clock, discover('observer', { engine: guarded(), service }));
    await watcher.sees('a b');
    await server.call('DELETE', `/v1/acl/token/${first.AccessorID}`);
    token = second.SecretID;
    await discover('c', { engine: guarded(), service }).registerNode(node('c', 7_003));
    await watcher.sees('a b c');
    await a.unregisterNode('a');
    await watcher.sees('b c');
    // What becomes of a node later, its agent writes with the token that it was last told.
    await until(clock, 'b is told anew', () =>
      lines.join().includes('guarded:test:b is registered again: the token is another one'),
    );
    await b[Symbol.asyncDispose]();
    await watcher.sees('c');
    for (const secret of [first, second]) expect(lines.join()).not.toContain(secret.SecretID);
  });
});
