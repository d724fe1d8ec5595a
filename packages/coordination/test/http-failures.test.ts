import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClusterError, createCluster, type LeaderElection, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../src/forwarding/envelope.ts';
import {
  type FetchedResponse,
  type FetchLike,
  type Forwarder,
  type ForwardReceiver,
  forwardToLeader,
  healthOf,
  httpForwarder,
  type Led,
  leaderHeaders,
  type LeaderRoutes,
  leaderRoutes,
  type RequestMemory,
} from '../src/index.ts';

const SECRET = Buffer.from('Bearer secret');

/** Something thrown that can't be made a text. */
const nameless: unknown = Object.create(null);

/** A leader's response as a transport of the program's own may hand it over. */
const fetchOf =
  (response: Partial<FetchedResponse>): FetchLike =>
  () =>
    Promise.resolve({ status: 200, headers: new Headers(), body: null, ...response });

/** Where the leader would be: nobody is asked there. */
const urlOf = (): string => 'http://10.0.0.1:80';

describe('handlers whose parts throw', () => {
  let server: Server;
  let handle: LeaderRoutes['nodeHandler'];
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  /** What a node knows that follows, at one moment, and a log that is read here. */
  const led: Led = {
    election: { leader: { nodeId: 'b', token: 3n }, leadership: undefined } as unknown as LeaderElection,
    system: { ...nodeSystem(), logger },
  };
  const at = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    await fetch(at(path), { redirect: 'manual', signal: AbortSignal.timeout(5000), ...init });

  beforeAll(async () => {
    server = createServer((request, response) => handle(request, response, () => void response.end('next')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => void warnings.splice(0));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  describe.each([
    ['throws', (given: string | undefined) => timingSafeEqual(Buffer.from(given ?? ''), SECRET), 'same byte length'],
    [
      'throws what has no text',
      () => {
        throw nameless;
      },
      'no text',
    ],
    ['promises', (() => Promise.resolve(false)) as never, undefined],
  ] as const)('accepts that %s', (_, accepts: (given: string | undefined) => boolean, warned) => {
    it('lets nobody in', async () => {
      const forwarder = httpForwarder(led, { fetch, urlOf, accepts });
      using _served = forwarder.serve((request) => Promise.resolve(request));
      handle = forwarder.nodeHandler;
      const init = { method: 'POST', body: 'x', headers: { authorization: 'x' } };
      expect((await ask('/quorate/forward', init)).status).toBe(401);
      const web = await forwarder.webHandler(new Request('http://here/quorate/forward', init));
      expect(web?.status).toBe(401);
      // The second time it was just said.
      expect(warnings).toHaveLength(warned === undefined ? 0 : 1);
      if (warned !== undefined) expect(warnings[0]).toContain(warned);
    });
  });

  it('urlOf: nobody knows where the leader is', async () => {
    const urlOf = ({ address }: { readonly address?: string | undefined }): string =>
      new URL(`no URL ${address}`).origin;
    const routes = leaderRoutes(led, { urlOf });
    handle = routes.nodeHandler;
    const response = await ask('/x');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await routes.webHandler(new Request('http://here/x')))?.status).toBe(503);
    expect(warnings).toEqual([expect.stringContaining('where the leader is')]);
  });

  it('a header that is none: 500, without what was set before', async () => {
    const routes = leaderRoutes(led, { urlOf: () => 'http://héllo.\n' });
    handle = routes.nodeHandler;
    const response = await ask('/x');
    expect([response.status, response.headers.get(leaderHeaders.LEADER)]).toEqual([500, null]);
    expect((await routes.webHandler(new Request('http://here/x')))?.status).toBe(500);
    expect(warnings).toHaveLength(2);
  });

  it('a handler that rejects: 500, which does not say that nothing was done', async () => {
    const forwarder = httpForwarder(led, { fetch, urlOf: () => at('') });
    using _served = forwarder.serve(() => Promise.reject(new Error('half done')));
    handle = forwarder.nodeHandler;
    expect((await ask('/quorate/forward', { method: 'POST', body: 'x' })).status).toBe(500);
    expect(warnings[0]).toContain('half done');
    const call = { timeoutMs: 5000, signal: new AbortController().signal };
    const sent = forwarder.send({ nodeId: 'b' }, new Uint8Array(), call);
    await expect(sent).rejects.toMatchObject({ code: 'REFUSED', outcome: 'unknown' });
  });

  it.each([
    ['of no status', { status: 7000 }, 500],
    ['with headers that are none', { headers: { get: () => null, forEach: (visit) => visit('a\nb', 'x') } }, 500],
    ['with a status that has no body', { status: 205 }, 205],
  ] as const satisfies [string, Partial<FetchedResponse>, number][])(
    'a response of the leader %s',
    async (_, response, status) => {
      const options = { mode: 'proxy', fetch: fetchOf(response), urlOf } as const;
      const routes = leaderRoutes(led, options);
      handle = routes.nodeHandler;
      expect((await ask('/x')).status).toBe(status);
      expect((await routes.webHandler(new Request('http://here/x')))?.status).toBe(status);
    },
  );

  it('a fetch that rejects with nothing: nobody knows what was done', async () => {
    const fetch: FetchLike = () => Promise.reject(null);
    const routes = leaderRoutes(led, { mode: 'proxy', fetch, urlOf });
    const response = await routes.webHandler(new Request('http://here/x'));
    expect([response?.status, response?.headers.get(leaderHeaders.OUTCOME)]).toEqual([502, 'unknown']);
  });

  it('a body that does not arrive in time: 408, and nothing more is read', async () => {
    const options = { mode: 'proxy', fetch: fetchOf({}), urlOf, timeoutMs: 50 } as const;
    handle = leaderRoutes(led, options).nodeHandler;
    const slow = request(at('/x'), { method: 'POST', headers: { 'content-length': 500 } });
    slow.on('error', () => undefined);
    slow.write('a');
    const [response] = (await once(slow, 'response')) as [IncomingMessage];
    expect([response.statusCode, response.headers['connection']]).toEqual([408, 'close']);
    expect(response.headers[leaderHeaders.OUTCOME]).toBe('not-applied');
    response.resume();
    await once(slow, 'close');
  });

  it('nor is the body of what is forwarded waited for, and nobody is told that it was handled', async () => {
    let handled = 0;
    const forwarder = httpForwarder(led, { fetch, urlOf, bodyTimeoutMs: 50 });
    using _served = forwarder.serve((request) => {
      handled += 1;
      return Promise.resolve(request);
    });
    handle = forwarder.nodeHandler;
    const slow = request(at('/quorate/forward'), { method: 'POST', headers: { 'content-length': 500 } });
    slow.on('error', () => undefined);
    slow.write('a');
    const [response] = (await once(slow, 'response')) as [IncomingMessage];
    expect([response.statusCode, response.headers['connection'], handled]).toEqual([408, 'close', 0]);
    response.resume();
    await once(slow, 'close');
    const call = { timeoutMs: 5000, signal: new AbortController().signal };
    const late = httpForwarder(led, { fetch: fetchOf({ status: 408 }), urlOf });
    await expect(late.send({ nodeId: 'b' }, new Uint8Array(), call)).rejects.toMatchObject({ outcome: 'not-applied' });
  });

  it('an answer whose body does not end is given up in time, though the fetch obeys no signal', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      await new Promise(() => undefined);
    }
    const forwarder = httpForwarder(led, { fetch: fetchOf({ body: endless() }), urlOf });
    const call = { timeoutMs: 50, signal: new AbortController().signal };
    const sent = forwarder.send({ nodeId: 'b' }, new Uint8Array(), call);
    await expect(sent).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  it('what anybody can cause is logged once in a while, with how often it was', async () => {
    let now = 0;
    const watched = { ...led, system: { ...led.system, clock: { ...led.system.clock, now: () => now } } };
    const forwarder = httpForwarder(watched, { fetch, urlOf });
    using _served = forwarder.serve(() => Promise.reject(new Error('nonsense')));
    const post = () => forwarder.webHandler(new Request('http://here/quorate/forward', { method: 'POST' }));
    for (let at = 0; at < 100; at += 1) await post();
    now = 6000;
    await post();
    expect(warnings.map((line) => line.replace(/^.*: /u, ''))).toEqual(['nonsense', 'nonsense (and 99 more like it)']);
  });

  it('a log that fails is no reason to fail', async () => {
    const fail = (): never => {
      throw new Error('the log is full');
    };
    const unlogged = { ...led, system: { ...led.system, logger: { ...logger, warn: fail } } };
    handle = leaderRoutes(unlogged, { urlOf: fail }).nodeHandler;
    expect((await ask('/x')).status).toBe(503);
  });

  it('a cluster that is not started yet: no leader is known', async () => {
    const cluster = createCluster({ nodeId: 'z', enabled: false, logLevel: 'error' });
    const routes = leaderRoutes(cluster, { urlOf });
    handle = routes.nodeHandler;
    expect((await ask('/x')).status).toBe(503);
    expect((await routes.webHandler(new Request('http://here/x')))?.status).toBe(503);
    handle = httpForwarder(cluster, { fetch, urlOf }).nodeHandler;
    expect((await ask('/quorate/forward', { method: 'POST' })).status).toBe(421);
  });

  it('headers that are out already: the route goes on', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    await cluster.start();
    const { nodeHandler } = leaderRoutes(cluster, { urlOf });
    handle = (request, response, next) => {
      (response as ServerResponse).flushHeaders();
      nodeHandler(request, response, next);
    };
    expect(await (await ask('/x')).text()).toBe('next');
    await cluster.stop();
  });

  it('a memory that throws, while nobody waits: nothing is unhandled', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'silent' });
    await cluster.start();
    const kept: string[] = [];
    const memory: RequestMemory = {
      begin: () => Promise.resolve({ kind: 'begun' }),
      answer: ({ id }) => {
        kept.push(id);
        throw nameless;
      },
    };
    let receive: ForwardReceiver | undefined;
    const forwarder: Forwarder = {
      send: () => Promise.reject(new ClusterError('UNSUPPORTED', 'nobody is asked')),
      serve: (receiver) => {
        receive = receiver;
        return { [Symbol.dispose]: () => undefined };
      },
    };
    await using _served = forwardToLeader(cluster, () => 'done', { memory, forwarder });
    const id = '0'.repeat(32);
    const payload = new TextEncoder().encode('1');
    const asked = encodeEnvelope({ id, name: 'call', token: 0n, hops: 0, remainingMs: 1000, doubt: 0n, payload });
    expect(await receive?.(asked, { signal: AbortSignal.abort() })).toBeDefined();
    handle = (_request, _response, next) => next();
    // A round through the event loop: by now what is unhandled has been told.
    expect((await ask('/x')).status).toBe(200);
    expect(kept).toEqual([id]);
    await cluster.stop();
  });
});

describe('health of which a check throws what has no text', () => {
  it('is told all the same', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    await cluster.start();
    const mine = (): never => {
      throw nameless;
    };
    using health = healthOf(cluster, { checks: { mine }, failures: 1 });
    await health.look();
    expect(health.report().checks['mine']).toEqual({ ok: false, problem: 'what was thrown has no text' });
    const response = health.webHandler(new Request('http://a/readyz'));
    expect([response?.status, await response?.json()]).toMatchObject([503, { ready: false }]);
    await cluster.stop();
  });
});
