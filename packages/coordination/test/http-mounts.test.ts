import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Cluster, createCluster, type LeaderElection, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FetchLike,
  forwardToLeader,
  type Health,
  healthOf,
  type HttpForwarder,
  httpForwarder,
  type Led,
  type LeaderRoutes,
  leaderRoutes,
} from '../src/index.ts';

const LEADER = 'http://10.0.0.1:80';

/** What a node knows that follows. */
const led: Led = {
  election: { leader: { nodeId: 'b', token: 3n }, leadership: undefined } as unknown as LeaderElection,
  system: { ...nodeSystem(), logger: silentLogger },
};

/** One exchange with a server that is there for it. */
async function exchange(listener: RequestListener, path: string, init: RequestInit = {}): Promise<Response> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const options = { redirect: 'manual', signal: AbortSignal.timeout(5000), ...init } as const;
    const response = await fetch(url, options);
    return new Response(await response.arrayBuffer(), response);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

const byExpress = (build: (app: express.Express) => unknown): Ask => {
  const app = express();
  build(app);
  return (path, init) => exchange(app, path, init);
};

const byFastify = (build: (app: FastifyInstance) => unknown): Ask => {
  const app = fastify();
  build(app);
  return async (path, init) => {
    await app.ready();
    return await exchange((request, response) => app.routing(request, response), path, init);
  };
};

const byHono = (build: (app: Hono) => unknown): Ask => {
  const app = new Hono();
  build(app);
  return async (path, init) => await app.request(path, init);
};

describe('routes of the leader under a path', () => {
  const mounts: readonly [string, (routes: LeaderRoutes) => Ask][] = [
    ['Express, at a path', (routes) => byExpress((app) => app.use('/admin', routes.nodeHandler))],
    [
      'Express, in a router of a router',
      (routes) => {
        const inner = express.Router().use('/jobs', routes.nodeHandler);
        return byExpress((app) => app.use('/admin', express.Router().use(inner)));
      },
    ],
    ['Express, before a route', (routes) => byExpress((app) => app.get('/admin/jobs', routes.nodeHandler))],
    [
      'Fastify, with a prefix',
      (routes) =>
        byFastify((app) =>
          app.register(
            (inner, _options, done) => {
              inner.addHook('onRequest', (request, reply, next) => routes.nodeHandler(request.raw, reply.raw, next));
              inner.get('/jobs', () => 'here');
              done();
            },
            { prefix: '/admin' },
          ),
        ),
    ],
    [
      'Hono, at a path',
      (routes) =>
        byHono((app) => app.use('/admin/*', async (c, next) => (await routes.webHandler(c.req.raw)) ?? next())),
    ],
    [
      'Hono, mounted with its path',
      (routes) => {
        const other = async (request: Request): Promise<Response> =>
          (await routes.webHandler(request)) ?? new Response('here');
        return byHono((app) => app.mount('/admin', other, { replaceRequest: false }));
      },
    ],
    [
      'Hono, in a part',
      (routes) => {
        const inner = new Hono().use(async (c, next) => (await routes.webHandler(c.req.raw)) ?? next());
        inner.get('/jobs', (c) => c.text('here'));
        return byHono((app) => app.route('/admin', inner));
      },
    ],
  ];

  describe.each(mounts)('%s', (_, mount) => {
    it('lead to what was asked for', async () => {
      const response = await mount(leaderRoutes(led, { urlOf: () => LEADER }))('/admin/jobs?x=1');
      expect([response.status, response.headers.get('location')]).toEqual([307, `${LEADER}/admin/jobs?x=1`]);
    });

    it('proxy what was asked for', async () => {
      const asked: string[] = [];
      const fetch: FetchLike = (url) => {
        asked.push(url);
        return Promise.resolve(new Response('there'));
      };
      const response = await mount(leaderRoutes(led, { mode: 'proxy', fetch, urlOf: () => LEADER }))('/admin/jobs?x=1');
      expect([response.status, await response.text()]).toEqual([200, 'there']);
      expect(asked).toEqual([`${LEADER}/admin/jobs?x=1`]);
    });
  });

  it('a target that is a whole URL is for the leader, not for its host', async () => {
    const { nodeHandler } = leaderRoutes(led, { urlOf: () => LEADER });
    const server: RequestListener = (request, response) => {
      request.url = `http://elsewhere.example${request.url}#there`;
      nodeHandler(request, response, () => response.end());
    };
    expect((await exchange(server, '/jobs?x=1')).headers.get('location')).toBe(`${LEADER}/jobs?x=1`);
    const bare: RequestListener = (request, response) => {
      request.url = 'http://elsewhere.example?x=1';
      nodeHandler(request, response, () => response.end());
    };
    expect((await exchange(bare, '/')).headers.get('location')).toBe(`${LEADER}/?x=1`);
  });
});

describe('what answers at paths of its own, under a path', () => {
  let cluster: Cluster;
  let health: Health;

  beforeAll(async () => {
    cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    await cluster.start();
    health = healthOf(cluster, { successes: 1 });
    await health.look();
  });
  afterAll(async () => {
    health[Symbol.dispose]();
    await cluster.stop();
  });

  const forward = '/quorate/forward';
  const mounts: readonly [string, string, string, (forwarder: HttpForwarder) => Ask][] = [
    ['Express', forward, forward, ({ nodeHandler }) => byExpress((app) => app.use(nodeHandler))],
    ['Express, a route', forward, forward, ({ nodeHandler }) => byExpress((app) => app.post(forward, nodeHandler))],
    ['Express, at its path', forward, forward, ({ nodeHandler }) => byExpress((app) => app.use(forward, nodeHandler))],
    [
      'Express, at half of it',
      forward,
      forward,
      ({ nodeHandler }) => byExpress((app) => app.use('/quorate', nodeHandler)),
    ],
    [
      'Express, a prefix',
      `/in${forward}`,
      forward,
      ({ nodeHandler }) => byExpress((app) => app.use('/in', nodeHandler)),
    ],
    [
      'Express, the whole',
      `/in${forward}`,
      `/in${forward}`,
      ({ nodeHandler }) => byExpress((app) => app.use('/in', nodeHandler)),
    ],
    [
      'Express, its path in a router',
      `/in${forward}`,
      forward,
      ({ nodeHandler }) => byExpress((app) => app.use('/in', express.Router().use(forward, nodeHandler))),
    ],
    [
      'Fastify, a hook',
      forward,
      forward,
      ({ nodeHandler }) =>
        byFastify((app) => app.addHook('onRequest', ({ raw }, reply, done) => nodeHandler(raw, reply.raw, done))),
    ],
    [
      'Fastify, a hook of a part with a prefix',
      `/in${forward}`,
      `/in${forward}`,
      ({ nodeHandler }) =>
        byFastify((app) =>
          app.register(
            (inner, _options, done) => {
              inner.addHook('onRequest', ({ raw }, reply, next) => nodeHandler(raw, reply.raw, next));
              inner.post(forward, () => 'not forwarded');
              done();
            },
            { prefix: '/in' },
          ),
        ),
    ],
    [
      'Hono',
      forward,
      forward,
      ({ webHandler }) => byHono((app) => app.use(async (c, next) => (await webHandler(c.req.raw)) ?? next())),
    ],
    [
      'Hono, a part',
      `/in${forward}`,
      `/in${forward}`,
      ({ webHandler }) =>
        byHono((app) =>
          app.route(
            '/in',
            new Hono().use(async (c, next) => (await webHandler(c.req.raw)) ?? next()),
          ),
        ),
    ],
    [
      'Hono, mounted',
      `/in${forward}`,
      forward,
      ({ webHandler }) =>
        byHono((app) =>
          app.mount(
            '/in',
            async (request: Request) => (await webHandler(request)) ?? new Response('', { status: 404 }),
          ),
        ),
    ],
  ];

  it.each(mounts)('forwards: %s, asked for %s', async (_, at, path, mount) => {
    const forwarder = httpForwarder(cluster, { fetch, urlOf: () => undefined, path });
    await using _served = forwardToLeader(cluster, () => 'done', { forwarder });
    const ask = mount(forwarder);
    const init = { method: 'POST', body: 'x' };
    const response = await ask(at, init);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/vnd.quorate.forward']);
    for (const other of ['/', '/in', '/in/other', `${at}/more`, `/other${at}`]) {
      expect((await ask(other, init)).status, other).toBe(404);
    }
  });

  const probes: readonly [string, string, () => Ask][] = [
    ['Express', '', () => byExpress((app) => app.use(health.nodeHandler))],
    [
      'Express, at its path',
      '',
      () => byExpress((app) => app.use('/livez', health.nodeHandler).use('/readyz', health.nodeHandler)),
    ],
    ['Express, routes', '', () => byExpress((app) => app.get(['/livez', '/readyz'], health.nodeHandler))],
    ['Express, a prefix', '/health', () => byExpress((app) => app.use('/health', health.nodeHandler))],
    [
      'Express, its path in a router',
      '/health',
      () => byExpress((app) => app.use('/health', express.Router().use(['/livez', '/readyz'], health.nodeHandler))),
    ],
    [
      'Fastify, a hook',
      '',
      () =>
        byFastify((app) =>
          app.addHook('onRequest', ({ raw }, reply, done) => health.nodeHandler(raw, reply.raw, done)),
        ),
    ],
    ['Hono', '', () => byHono((app) => app.use(async (c, next) => health.webHandler(c.req.raw) ?? (await next())))],
    [
      'Hono, mounted',
      '/health',
      () =>
        byHono((app) =>
          app.mount('/health', (request: Request) => health.webHandler(request) ?? new Response('', { status: 404 })),
        ),
    ],
  ];

  it.each(probes)('tells of health: %s, under "%s"', async (_, prefix, mount) => {
    const ask = mount();
    for (const path of ['/livez', '/readyz?verbose']) {
      const response = await ask(prefix + path);
      expect([response.status, await response.json()], path).toMatchObject([200, { live: true, ready: true }]);
    }
    expect((await ask(`/other${prefix}/livez`)).status).toBe(404);
    expect((await ask(`${prefix}/other`)).status).toBe(404);
  });
});
