import { readFile } from 'node:fs/promises';

import { isClusterError, sleep } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { ConsulServer, reportAbsent, TcpGate } from '@quorate/test-servers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { BlockingQuery, type ConsulClient, consulEngine, type ConsulEngineOptions } from '../../src/index.ts';

const system = nodeSystem();
const { clock } = system;
const plain = await ConsulServer.start();
if (plain === undefined) reportAbsent('consul');

const owned: AsyncDisposable[] = [];
afterEach(async () => {
  for (const part of owned.splice(0)) await part[Symbol.asyncDispose]();
});
afterAll(async () => plain?.[Symbol.asyncDispose]());

function open(options: ConsulEngineOptions): ConsulClient {
  const client = consulEngine(options).open({ clock });
  owned.push(client);
  return client;
}

async function failure(call: Promise<unknown>): Promise<{ code: string; message: string; outcome: unknown }> {
  const error = await call.then(
    () => expect.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!isClusterError(error)) throw error;
  return { code: error.code, message: error.message, outcome: error.outcome };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = clock.now();
  await work();
  return clock.now() - start;
}

describe.skipIf(plain === undefined)('a client of a real Consul', () => {
  const server = plain as ConsulServer;

  it('reads and writes, and tells a lock that is taken from one that is had', async () => {
    const client = open({ address: server.address });
    expect((await client.put(['kv', 'a b/c'], { n: 1 })).body).toBe(true);
    const { body } = await client.get(['kv', 'a b/c'], { query: { raw: true } });
    expect(body).toEqual({ n: 1 });
    const session = async () => ((await client.put(['session', 'create'], {})).body as { readonly ID: string }).ID;
    const [first, second] = [await session(), await session()];
    expect((await client.put(['kv', 'lock'], 'x', { query: { acquire: first } })).body).toBe(true);
    expect((await client.put(['kv', 'lock'], 'x', { query: { acquire: second } })).body).toBe(false);
  });

  it('says what Consul refuses, and what is not there', async () => {
    const client = open({ address: server.address, token: 'secret-token' });
    expect(await failure(client.get(['kv', 'nothing']))).toMatchObject({ code: 'NOT_FOUND' });
    const unknown = await failure(client.put(['agent', 'check', 'pass', 'nothing']));
    expect(unknown).toMatchObject({ code: 'NOT_FOUND', outcome: 'not-applied' });
    const refused = await failure(client.put(['agent', 'service', 'register'], { Name: '' }));
    expect(refused).toMatchObject({ code: 'REFUSED', outcome: 'not-applied' });
    expect(refused.message).toContain('/v1/agent/service/register: 400 Missing service name');
    const enterprise = open({ address: server.address, namespace: 'team' });
    expect(await failure(enterprise.get(['health', 'service', 'x']))).toMatchObject({ code: 'REFUSED' });
    const elsewhere = open({ address: server.address, datacenter: 'mars' });
    const message = /No path to datacenter/u;
    expect(await failure(elsewhere.get(['health', 'service', 'x']))).toMatchObject({ code: 'REMOTE' });
    await expect(elsewhere.get(['health', 'service', 'x'])).rejects.toThrow(message);
  });

  it('waits for a change, and no longer than it was told to', async () => {
    const client = open({ address: server.address });
    using query = new BlockingQuery(client, ['kv', 'watched'], {
      query: { recurse: true },
      waitMs: 300,
      timeoutMs: 2_000,
    });
    await client.put(['kv', 'watched'], 1);
    const first = await query.next();
    const changed = query.next();
    await client.put(['kv', 'watched'], 2);
    expect((await changed).index).toBeGreaterThan(first.index ?? Infinity);
    expect(await timed(() => query.next())).toBeGreaterThan(250);
  });

  it('ends by deadline, signal and dispose while the server is stopped, and leaves no connection', async () => {
    await using gate = await TcpGate.open(server.port);
    const address = `127.0.0.1:${gate.port}`;
    const client = open({ address, timeoutMs: 200 });
    server.pause();
    try {
      const late = await failure(client.put(['kv', 'late'], 1));
      expect(late).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
      expect(late.message).toBe(`consul http://${address}: PUT /v1/kv/late: no answer within 200 ms`);
      const controller = new AbortController();
      const aborted = failure(client.get(['kv', 'late'], { signal: controller.signal, timeoutMs: 60_000 }));
      const disposed = failure(client.get(['kv', 'late'], { timeoutMs: 60_000 }));
      while (gate.connections < 2) await sleep(clock, 5);
      controller.abort();
      expect((await aborted).code).toBe('ABORTED');
      await client[Symbol.asyncDispose]();
      expect((await disposed).code).toBe('CLOSED');
      expect((await failure(client.get(['kv', 'late']))).code).toBe('CLOSED');
      while (gate.connections > 0) await sleep(clock, 5);
    } finally {
      server.resume();
    }
  });

  it('says that nobody listens, and that a connection was cut', async () => {
    const gate = await TcpGate.open(server.port);
    const client = open({ address: `localhost:${gate.port}` });
    using query = new BlockingQuery(client, ['catalog', 'services'], { waitMs: 60_000, timeoutMs: 1_000 });
    await query.next();
    const blocked = failure(query.next());
    await sleep(clock, 150);
    gate.cut();
    expect(await blocked).toMatchObject({ code: 'DISCONNECTED' });
    gate.reopen();
    expect(await timed(() => query.next())).toBeLessThan(1_000);
    await gate[Symbol.asyncDispose]();
    const refused = await failure(client.put(['kv', 'x'], 1));
    expect(refused).toMatchObject({ code: 'DISCONNECTED', outcome: 'not-applied' });
    expect(refused.message).toContain('ECONNREFUSED');
  });

  it('notices at once that another Consul, whose index is lower, answers in place of the one before', async () => {
    await using other = (await ConsulServer.start()) as ConsulServer;
    await using gate = await TcpGate.open(server.port);
    const client = open({ address: `127.0.0.1:${gate.port}` });
    using query = new BlockingQuery(client, ['catalog', 'services'], { waitMs: 60_000, timeoutMs: 5_000 });
    for (let index = 0; index < 50; index = (await query.next()).index ?? 0) {
      const Service = { Service: `s${index}`, Address: '10.9.0.1' };
      await server.call('PUT', '/v1/catalog/register', { Node: 'elsewhere', Address: '10.9.0.1', Service });
    }
    // Before the next question, and while one is held.
    for (const [port, isHeld] of [
      [other.port, false],
      [server.port, true],
      [other.port, true],
    ] as const) {
      const held = isHeld ? query.next() : undefined;
      if (isHeld) await sleep(clock, 200);
      gate.leadTo(port);
      gate.cut();
      gate.reopen();
      const answer = await (held ?? query.next());
      expect([port, (answer.index ?? 0) >= 50]).toEqual([port, port === server.port]);
    }
  });

  it('uses a kept connection that was closed meanwhile as if nothing had been', async () => {
    await using gate = await TcpGate.open(server.port);
    const client = open({ address: `127.0.0.1:${gate.port}` });
    for (let round = 0; round < 3; round += 1) {
      await client.get(['catalog', 'services']);
      expect(gate.connections).toBe(1);
      gate.cut();
      gate.reopen();
    }
  });

  it('closes the connections with the last of its users', async () => {
    await using gate = await TcpGate.open(server.port);
    const engine = consulEngine({ address: `127.0.0.1:${gate.port}` });
    const [a, b] = [engine.open({ clock }), engine.open({ clock })];
    await a.get(['catalog', 'services']);
    await a[Symbol.asyncDispose]();
    await a[Symbol.asyncDispose]();
    await b.get(['catalog', 'services']);
    expect(gate.connections).toBe(1);
    await b[Symbol.asyncDispose]();
    while (gate.connections > 0) await sleep(clock, 5);
    await using again = engine.open({ clock });
    expect((await again.get(['catalog', 'services'])).body).toBeTypeOf('object');
  });
});

describe.skipIf(plain === undefined)('a client of a real Consul with certificates', () => {
  it('shows its certificate, trusts one authority only, and takes new ones when they are rotated', async () => {
    await using server = (await ConsulServer.start({ tls: true })) as ConsulServer;
    const { authority } = server;
    if (authority === undefined) return expect.fail('no authority');
    const issue = async (name: string) => {
      const { cert, key } = await authority.issue(name);
      return { ca: await authority.pem(), cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    };
    const address = `https://127.0.0.1:${server.httpsPort}`;
    let tls = await issue('client');
    const client = open({ address, tls: () => Promise.resolve(tls) });
    expect((await client.put(['kv', 'x'], 1)).body).toBe(true);
    tls = { ...tls, cert: (await issue('other')).cert };
    expect(await failure(client.get(['kv', 'x']))).toMatchObject({ code: 'DISCONNECTED' });
    tls = await issue('client');
    expect((await client.get(['kv', 'x'])).body).toHaveLength(1);
    const stranger = open({ address });
    const distrust = await failure(stranger.put(['kv', 'x'], 2));
    expect(distrust).toMatchObject({ code: 'DISCONNECTED', outcome: 'not-applied' });
    const { ca } = tls;
    expect((await failure(open({ address, tls: { ca } }).get(['kv', 'x']))).code).toBe('DISCONNECTED');
  });
});
