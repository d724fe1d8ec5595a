import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Cluster } from '@quorate/core';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  forwardToLeader,
  type HttpForwarder,
  httpForwarder,
  type LeaderFunction,
  leaderHeaders,
  leaderRoutes,
  type LeaderRoutesOptions,
} from '../src/index.ts';
import { HttpNodes } from './http-nodes.ts';

type Mode = NonNullable<LeaderRoutesOptions['mode']>;

/** What the leader answers: what it was sent, and with what. */
async function echo(cluster: Cluster, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  response.setHeader('set-cookie', ['a=1', 'b=2']);
  response.setHeader('content-type', 'application/json');
  const { method, url, headers } = request;
  response.end(JSON.stringify({ node: cluster.self.id, method, url, headers, body }));
}

interface Echo {
  readonly node: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe.each(['redirect', 'refuse', 'proxy'] as const)('routes of the leader: %s', (mode: Mode) => {
  let nodes: HttpNodes;

  beforeAll(async () => {
    nodes = await HttpNodes.start((cluster, all) => {
      const proxy = mode === 'proxy' ? { fetch, maxHops: 2, maxBodyBytes: 1000, timeoutMs: 1000 } : {};
      const routes = leaderRoutes(cluster, { mode, urlOf: all.urlOf, ...proxy });
      return (request, response) => {
        if (request.url === '/hang' && cluster.isLeader) return;
        routes.nodeHandler(request, response, () => void echo(cluster, request, response));
      };
    });
  });
  afterAll(async () => await nodes[Symbol.asyncDispose]());

  it('lets requests through on the leader, and tells its term', async () => {
    const response = await fetch(nodes.url(nodes.leader, '/x?y=1'), { method: 'POST', body: 'hello' });
    expect(response.headers.get(leaderHeaders.TERM)).toBe(String(nodes.leader.leadership?.token));
    expect(await response.json()).toMatchObject({ node: nodes.leader.self.id, url: '/x?y=1', body: 'hello' });
  });

  it('does elsewhere as it was told', async () => {
    const { leader, follower } = nodes;
    const url = nodes.url(follower, '/x?y=1');
    const init = { method: 'POST', body: 'hello', headers: { 'x-mine': '7', connection: 'close' } };
    const response = await fetch(url, { ...init, redirect: 'manual' });
    if (mode === 'proxy') {
      const { node, method, body, headers } = (await response.json()) as Echo;
      expect({ node, method, body }).toEqual({ node: leader.self.id, method: 'POST', body: 'hello' });
      expect(headers).toMatchObject({ 'x-mine': '7', [leaderHeaders.HOPS]: '1' });
      expect(headers[leaderHeaders.TERM]).toBe(String(leader.leadership?.token));
      expect(headers[leaderHeaders.REQUEST_ID]).toMatch(/^[0-9a-f]{32}$/u);
      expect(Number(headers[leaderHeaders.TIMEOUT_MS])).toBeLessThanOrEqual(1000);
      expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      return;
    }
    expect(response.status).toBe(mode === 'redirect' ? 307 : 421);
    expect(response.headers.get(leaderHeaders.LEADER)).toBe(leader.self.id);
    expect(response.headers.get(leaderHeaders.LEADER_URL)).toBe(nodes.url(leader, ''));
    if (mode === 'redirect') {
      expect(await (await fetch(url, init)).json()).toMatchObject({ node: leader.self.id, body: 'hello' });
    }
  });

  it('refuses on the leader what is meant for a later one', async () => {
    const headers = { [leaderHeaders.TERM]: '999999999' };
    const response = await fetch(nodes.url(nodes.leader, '/'), { headers, redirect: 'manual' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    const odd = await fetch(nodes.url(nodes.leader, '/'), { headers: { [leaderHeaders.TERM]: '-1 or so' } });
    expect(odd.status).toBe(200);
  });

  it.runIf(mode === 'proxy')(
    'has bounds on hops, bodies and time',
    async () => {
      const { follower } = nodes;
      const ask = (path: string, init: object): Promise<Response> => fetch(nodes.url(follower, path), init);
      const round = await ask('/', { headers: { [leaderHeaders.HOPS]: '2' } });
      expect(round.status).toBe(421);
      const large = await ask('/', { method: 'POST', body: 'x'.repeat(1001) });
      expect([large.status, large.headers.get(leaderHeaders.OUTCOME)]).toEqual([413, 'not-applied']);
      const late = await ask('/hang', { headers: { [leaderHeaders.TIMEOUT_MS]: '50' } });
      expect([late.status, late.headers.get(leaderHeaders.OUTCOME)]).toEqual([504, 'unknown']);
    },
    3000,
  );
});

describe('routes of the leader in frameworks', () => {
  it('Express, Fastify and Hono let the leader answer', async () => {
    const expressOf = (cluster: Cluster, all: HttpNodes): express.Express => {
      const app = express();
      app.use(leaderRoutes(cluster, { urlOf: all.urlOf }).nodeHandler);
      app.get('/who', (_request, response) => void response.send(cluster.self.id));
      return app;
    };
    await using byExpress = await HttpNodes.start((cluster, all) => expressOf(cluster, all));
    const found = await fetch(byExpress.url(byExpress.follower, '/who'));
    expect([found.redirected, await found.text()]).toEqual([true, byExpress.leader.self.id]);

    const { leader, follower } = byExpress;
    const urlOf: HttpNodes['urlOf'] = byExpress.urlOf;
    const fastifyOf = (cluster: Cluster): ReturnType<typeof fastify> => {
      const app = fastify();
      const routes = leaderRoutes(cluster, { urlOf });
      app.addHook('onRequest', (request, reply, done) => routes.nodeHandler(request.raw, reply.raw, done));
      app.get('/who', async () => cluster.self.id);
      return app;
    };
    const there = await fastifyOf(leader).inject('/who');
    expect([there.statusCode, there.body]).toEqual([200, leader.self.id]);
    const away = await fastifyOf(follower).inject('/who');
    expect([away.statusCode, away.headers.location]).toEqual([307, byExpress.url(leader, '/who')]);

    const honoOf = (cluster: Cluster): Hono => {
      const app = new Hono();
      const routes = leaderRoutes(cluster, { urlOf });
      app.use(async (context, next) => (await routes.webHandler(context.req.raw)) ?? (await next()));
      app.get('/who', (context) => context.text(cluster.self.id));
      return app;
    };
    expect(await (await honoOf(leader).request('/who?x=1')).text()).toBe(leader.self.id);
    const elsewhere = await honoOf(follower).request('/who?x=1');
    expect([elsewhere.status, elsewhere.headers.get('location')]).toEqual([307, byExpress.url(leader, '/who?x=1')]);

    const proxy = leaderRoutes(follower, { urlOf, mode: 'proxy', fetch });
    const proxied = await proxy.webHandler(new Request('http://here/who'));
    expect([proxied?.status, await proxied?.text()]).toEqual([200, leader.self.id]);
  });
});

describe('forwarding over HTTP', () => {
  const authorization = (): string => 'Bearer secret';

  it('has the leader do it, by node:http and by the web', async () => {
    const forwarders = new Map<string, HttpForwarder>();
    const asks = new Map<string, LeaderFunction<number, string>>();
    await using nodes = await HttpNodes.start((cluster, all) => {
      const accepts = (given: string | undefined): boolean => given === authorization();
      const forwarder = httpForwarder(cluster, { fetch, urlOf: all.urlOf, authorization, accepts });
      forwarders.set(cluster.self.id, forwarder);
      const handle = async (input: number): Promise<string> => {
        if (input === 13) throw new Error('bad luck');
        return `${cluster.self.id} ${input}`;
      };
      asks.set(cluster.self.id, forwardToLeader(cluster, handle, { forwarder }));
      return (request, response) => forwarder.nodeHandler(request, response);
    });
    const { leader, follower } = nodes;
    const ask = asks.get(follower.self.id) as LeaderFunction<number, string>;
    expect(await ask(7)).toBe(`${leader.self.id} 7`);
    await expect(ask(13)).rejects.toMatchObject({ code: 'REMOTE' });
    expect(nodes.requests).toBe(2);

    const post = async (cluster: Cluster, init: object): Promise<number> =>
      (await fetch(nodes.url(cluster, '/quorate/forward'), { method: 'POST', ...init })).status;
    expect(await post(leader, { body: 'x' })).toBe(401);
    const headers = { authorization: authorization() };
    expect(await post(leader, { headers, body: 'x'.repeat(300_000) })).toBe(413);
    expect(await post(leader, { method: 'GET', headers })).toBe(405);
    expect((await fetch(nodes.url(leader, '/other'))).status).toBe(404);

    const web = forwarders.get(leader.self.id) as HttpForwarder;
    expect(await web.webHandler(new Request('http://here/other'))).toBeUndefined();
    const odd = await web.webHandler(
      new Request('http://here/quorate/forward', { method: 'POST', headers, body: 'x' }),
    );
    expect(odd?.status).toBe(200);
  });

  it('tells where nothing can have been done', async () => {
    await using nodes = await HttpNodes.start(() => (_request, response) => void response.writeHead(500).end());
    const { follower } = nodes;
    const options = { timeoutMs: 1000 };
    const to = (at: () => string | undefined): Promise<unknown> => {
      const forwarder = httpForwarder(follower, { fetch, urlOf: at });
      const { signal } = new AbortController();
      return forwarder.send({ nodeId: 'x' }, new Uint8Array(), { ...options, signal }).catch((error: unknown) => error);
    };
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await to(() => `http://127.0.0.1:${port}`)).toMatchObject({ outcome: 'not-applied' });
    expect(await to(() => undefined)).toMatchObject({ code: 'NOT_FOUND', outcome: 'not-applied' });
    expect(await to(() => nodes.url(follower, ''))).toMatchObject({ code: 'REFUSED', outcome: 'unknown' });
  });

  it.each([[{}], [{ fetch }], [{ fetch, urlOf: String, path: 'relative' }]])(
    'refuses options that are wrong: %#',
    (options) => {
      const led = { system: {} } as never;
      expect(() => httpForwarder(led, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    },
  );

  it.each([
    [{}, 'urlOf'],
    [{ urlOf: String, mode: 'proxy' }, 'fetch'],
    [{ urlOf: String, fetch }, 'fetch'],
    [{ urlOf: String, maxHops: 2 }, 'maxHops'],
    [{ urlOf: String, mode: 'refuse', maxBodyBytes: 10 }, 'maxBodyBytes'],
    [{ urlOf: String, mode: 'redirect', timeoutMs: 10 }, 'timeoutMs'],
  ])('refuses wrong options of routes: %#', (options, blamed) => {
    const led = {} as never;
    const message: unknown = expect.stringContaining(`leaderRoutes: ${blamed} `);
    const refusal: unknown = expect.objectContaining({ code: 'INVALID_OPTIONS', message });
    expect(() => leaderRoutes(led, options as never)).toThrow(refusal);
  });
});
