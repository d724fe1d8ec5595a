import { connect } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExposition } from '../../../../packages/telemetry/test/exposition.ts';
import { PROBLEM_CODES } from '../../src/http/problem.ts';
import { EventClient } from './events.ts';
import { type OneNode, oneNode } from './one-node.ts';

/** A machine that has much to do is not always well. */
const BUSY = { timeout: 20_000 };

let one: OneNode;

beforeAll(async () => {
  one = await oneNode();
});

afterAll(() => one[Symbol.asyncDispose]());

let made = 0;

async function newQueue(options: Readonly<Record<string, unknown>> = {}): Promise<string> {
  made += 1;
  const queue = `q${made}`;
  expect((await one.call('PUT', `/v1/queues/${queue}`, { options })).status).toBe(201);
  return `/v1/queues/${queue}`;
}

const publish = (path: string, ...bodies: readonly string[]) =>
  one.call('POST', `${path}/messages`, { messages: bodies.map((body) => ({ body })) });

const receive = async (path: string, options: Readonly<Record<string, unknown>> = {}) => {
  const { status, body } = await one.call('POST', `${path}/receive`, options);
  expect(status).toBe(200);
  return body.deliveries;
};

const receipts = (deliveries: readonly { readonly receipt: string }[]) => deliveries.map(({ receipt }) => receipt);

describe('queues', () => {
  it('are made once, and again only alike', async () => {
    const first = await one.call('PUT', '/v1/queues/made', { options: { visibilityMs: 1000 } });
    expect([first.status, first.body.options.visibilityMs, first.body.options.maxDeliveries]).toEqual([201, 1000, 16]);
    expect((await one.call('PUT', '/v1/queues/made', { options: { visibilityMs: 1000 } })).status).toBe(200);
    const other = await one.call('PUT', '/v1/queues/made', { options: { visibilityMs: 2000 } });
    expect([other.status, other.body.code, other.body.outcome]).toEqual([409, 'EXISTS', 'not-applied']);
    expect((await one.call('GET', '/v1/queues/made')).body.options.visibilityMs).toBe(1000);
    expect((await one.call('GET', '/v1/queues')).body.queues).toContainEqual(
      expect.objectContaining({ name: 'made', ready: 0 }),
    );
    expect((await one.call('DELETE', '/v1/queues/made')).status).toBe(204);
    expect((await one.call('GET', '/v1/queues/made')).status).toBe(404);
    expect((await one.call('DELETE', '/v1/queues/made')).body.code).toBe('NOT_FOUND');
  });

  it('give what was published, once, until it is acknowledged', async () => {
    const path = await newQueue();
    const published = await one.call('POST', `${path}/messages`, {
      messages: [
        { body: 'ä', id: 'first', headers: { kind: 'text' } },
        { body: '/w==', encoding: 'base64', priority: 9 },
      ],
    });
    expect(published.status).toBe(201);
    expect(published.body.messages[0]).toEqual({ id: 'first', sequence: expect.any(Number), duplicate: false });
    const again = await one.call('POST', `${path}/messages`, { messages: [{ body: 'ä', id: 'first' }] });
    expect(again.body.messages[0]).toEqual({ ...published.body.messages[0], duplicate: true });
    const deliveries = await receive(path, { max: 10 });
    expect(deliveries).toMatchObject([
      { body: '/w==', encoding: 'base64', priority: 9, attempt: 1 },
      { body: 'ä', headers: { kind: 'text' }, id: 'first' },
    ]);
    expect(deliveries[1]).not.toHaveProperty('encoding');
    expect(await receive(path)).toEqual([]);
    const settled = await one.call('POST', `${path}/acknowledge`, { receipts: [...receipts(deliveries), '999.1'] });
    expect(settled.body).toEqual({ settled: ['done', 'done', 'unknown-receipt'] });
    expect((await one.call('GET', path)).body).toMatchObject({ acknowledged: 2, inFlight: 0, ready: 0, duplicates: 1 });
  });

  it('take deliveries back at once, later, or keep them longer', async () => {
    const path = await newQueue({ visibilityMs: 60_000 });
    await publish(path, 'one');
    const [first] = await receive(path);
    await one.call('POST', `${path}/reject`, { receipts: [first!.receipt] });
    const [second] = await receive(path, { visibilityMs: 30_000 });
    expect(second).toMatchObject({ attempt: 2, body: 'one' });
    expect((await one.call('POST', `${path}/acknowledge`, { receipts: [first!.receipt] })).body.settled).toEqual([
      'unknown-receipt',
    ]);
    const before = performance.now();
    await one.call('POST', `${path}/extend`, { receipts: [second!.receipt], visibilityMs: 600 });
    const [third] = await receive(path, { waitMs: 5000 });
    // When that time was over, and with nobody else asking.
    expect(performance.now() - before).toBeGreaterThan(590);
    expect(third).toMatchObject({ attempt: 3 });
    await one.call('POST', `${path}/reject`, { receipts: [third!.receipt], delayMs: 200 });
    expect(await receive(path)).toEqual([]);
    expect(await receive(path, { waitMs: 5000 })).toMatchObject([{ attempt: 4 }]);
  });

  it('are emptied', async () => {
    const path = await newQueue();
    await publish(path, 'one', 'two');
    expect((await one.call('POST', `${path}/purge`)).status).toBe(204);
    expect(await receive(path)).toEqual([]);
  });

  it('take no id, key or header that would be another one when it is kept', async () => {
    const path = await newQueue();
    for (const [field, more] of [
      ['id', { id: 'm\ud800' }],
      ['headers', { headers: { h: '\udfff' } }],
      ['key', { key: '\ud800' }],
      ['body', { body: '\ud800' }],
    ] as const) {
      const { status, body } = await one.call('POST', `${path}/messages`, { messages: [{ body: 'x', ...more }] });
      expect([status, body.code, body.outcome]).toEqual([400, 'INVALID', 'not-applied']);
      expect(body.detail).toBe(`messages/0/${field} is a text with half a surrogate pair`);
    }
    expect((await one.call('GET', path)).body.accepted).toBe(0);
  });

  it('take no receipt so long that others would not fit beside it', async () => {
    const path = await newQueue();
    for (const receipt of ['9'.repeat(33), 'ü', '']) {
      const { status, body } = await one.call('POST', `${path}/acknowledge`, { receipts: [receipt] });
      expect([status, body.code]).toEqual([400, 'INVALID']);
    }
  });

  it('refuse what is too much: in one message, in one request, in all', async () => {
    const path = await newQueue({ maxMessages: 2 });
    const message = await one.call('POST', `${path}/messages`, { messages: [{ body: 'x'.repeat(65_537) }] });
    expect([message.status, message.body.code]).toEqual([413, 'TOO_LARGE']);
    const body = 'x'.repeat(60_000);
    const request = await one.call('POST', `${path}/messages`, {
      messages: Array.from({ length: 4 }, () => ({ body })),
    });
    expect([request.status, request.body.outcome]).toEqual([413, 'not-applied']);
    const huge = await one.call('POST', `${path}/messages`, { messages: [{ body: 'x'.repeat(1_100_000) }] });
    expect([huge.status, huge.body.code]).toEqual([413, 'TOO_LARGE']);
    const full = await publish(path, 'one', 'two', 'three');
    expect([full.status, full.body.code, full.headers.get('retry-after')]).toEqual([429, 'FULL', '1']);
    // The most that may be is taken.
    const most = await one.call('POST', `${path}/messages`, { messages: [{ body: 'x'.repeat(65_536) }] });
    expect(most.status).toBe(201);
  });
});

describe('long polls', () => {
  it('wait for what is published, and for what was delayed', async () => {
    const path = await newQueue();
    const waiting = receive(path, { waitMs: 10_000, max: 5 });
    await publish(path, 'now');
    expect(await waiting).toMatchObject([{ body: 'now' }]);
    await one.call('POST', `${path}/messages`, { messages: [{ body: 'later', delayMs: 300 }] });
    const before = performance.now();
    expect(await receive(path, { waitMs: 10_000 })).toMatchObject([{ body: 'later' }]);
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('end with nothing when their time is over', async () => {
    const path = await newQueue();
    expect(await receive(path, { waitMs: 50 })).toEqual([]);
  });

  it('share what there is', async () => {
    const path = await newQueue();
    const waiting = Array.from({ length: 4 }, () => receive(path, { waitMs: 10_000, max: 10 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await publish(path, 'a', 'b', 'c', 'd', 'e', 'f');
    const got = await Promise.all(waiting);
    expect(got.map((each) => each.length).sort((a, b) => a - b)).toEqual([1, 1, 2, 2]);
    expect(new Set(got.flat().map(({ body }) => body)).size).toBe(6);
  });

  it('of a client that has gone take nothing with them', async () => {
    const path = await newQueue({ visibilityMs: 600_000 });
    const gone = new AbortController();
    const lost = fetch(`${one.node.url}${path}/receive`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ waitMs: 60_000 }),
      signal: gone.signal,
    }).catch(() => 'gone');
    await new Promise((resolve) => setTimeout(resolve, 50));
    gone.abort();
    expect(await lost).toBe('gone');
    await publish(path, 'kept');
    expect(await receive(path, { waitMs: 10_000 })).toMatchObject([{ body: 'kept' }]);
  });

  it('are told that there is no such queue, also when it goes while they wait', async () => {
    expect((await one.call('POST', '/v1/queues/none/receive', { waitMs: 10_000 })).status).toBe(404);
    const path = await newQueue();
    const waiting = one.call('POST', `${path}/receive`, { waitMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await one.call('DELETE', path);
    expect((await waiting).body.code).toBe('NOT_FOUND');
  });
});

describe('server-sent events', () => {
  it('bring no more than is settled, and give back what is left', async () => {
    const path = await newQueue({ visibilityMs: 600_000 });
    const client = new EventClient(`${one.node.url}${path}/deliveries?prefetch=2&consumer=c`);
    await publish(path, 'a', 'b', 'c', 'd');
    const first = await client.first(2, 'delivery');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.events.length).toBe(2);
    await one.call('POST', `${path}/acknowledge`, { receipts: [first[0]!.data.receipt] });
    expect((await client.first(3, 'delivery'))[2]!.data).toMatchObject({ body: 'c', attempt: 1 });
    client.drop();
    // The one that is left, and what was not yet acknowledged.
    const rest: { body: string; attempt: number }[] = [];
    while (rest.length < 3) rest.push(...(await receive(path, { waitMs: 10_000, max: 10 })));
    expect(rest.map(({ body, attempt }) => `${body}${attempt}`).sort()).toEqual(['b2', 'c2', 'd1']);
  });

  it('end with a problem when the queue goes', async () => {
    const path = await newQueue();
    const client = new EventClient(`${one.node.url}${path}/deliveries`);
    expect(await client.headers).toMatchObject({ status: 200, 'content-type': 'text/event-stream; charset=utf-8' });
    await one.call('DELETE', path);
    expect((await client.first(1, 'problem'))[0]!.data).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    await client.ended;
    expect((await one.call('GET', '/v1/queues/none/deliveries')).status).toBe(404);
  });

  it('tell many of the node what was put together once', async () => {
    const { local, url } = one.node;
    const queues = local.queues.bind(local);
    let looks = 0;
    local.queues = () => {
      looks += 1;
      return queues();
    };
    const clients = Array.from({ length: 40 }, () => new EventClient(`${url}/v1/cluster/events`));
    await Promise.all(clients.map((client) => client.first(1, 'status')));
    looks = 0;
    await new Promise((resolve) => setTimeout(resolve, 600));
    for (const client of clients) client.drop();
    local.queues = queues;
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThan(12);
  });

  it('tell of the cluster', async () => {
    const client = new EventClient(`${one.node.url}/v1/cluster/events`);
    await client.first(1, 'status');
    // At once, unless the machine has so much to do that the lease has run out.
    const known = { id: 'a', replication: { leader: 'a', role: 'leader' }, elected: { id: 'a' } };
    await expect
      .poll(() => client.events.filter(({ event }) => event === 'status').at(-1)!.data, BUSY)
      .toMatchObject(known);
    const path = await newQueue();
    await publish(path, 'one');
    const name = path.slice('/v1/queues/'.length);
    const last = () => client.events.filter(({ event }) => event === 'status').at(-1)!.data;
    await expect.poll(last, BUSY).toMatchObject({
      queues: expect.arrayContaining([expect.objectContaining({ name, accepted: 1 })]) as unknown,
    });
    client.drop();
  });
});

describe('topics', () => {
  it('bring a copy of each message to each subscription', async () => {
    expect((await one.call('PUT', '/v1/topics/news')).status).toBe(201);
    expect((await one.call('PUT', '/v1/topics/news')).status).toBe(200);
    for (const name of ['a', 'b']) {
      const made = await one.call('PUT', `/v1/topics/news/subscriptions/${name}`, {});
      expect([made.status, made.body.name]).toEqual([201, `news:${name}`]);
    }
    const published = await one.call('POST', '/v1/topics/news/messages', { messages: [{ body: 'hear' }] });
    expect(published.status).toBe(201);
    const path = '/v1/topics/news/subscriptions/a';
    const [heard] = await receive(path, { waitMs: 5000 });
    expect(heard).toMatchObject({ body: 'hear' });
    expect((await one.call('POST', `${path}/acknowledge`, { receipts: [heard!.receipt] })).body.settled).toEqual([
      'done',
    ]);
    const client = new EventClient(`${one.node.url}/v1/topics/news/subscriptions/b/deliveries`);
    expect((await client.first(1, 'delivery'))[0]!.data).toMatchObject({ body: 'hear' });
    client.drop();
    expect((await one.call('GET', '/v1/topics')).body.topics).toEqual([
      { name: 'news', subscriptions: ['a', 'b'], accepted: 1 },
    ]);
    expect((await one.call('DELETE', '/v1/topics/news/subscriptions/a')).status).toBe(204);
    expect((await one.call('DELETE', '/v1/topics/news')).status).toBe(204);
    expect((await one.call('POST', '/v1/topics/news/messages', { messages: [{ body: 'x' }] })).body.code).toBe(
      'NOT_FOUND',
    );
  });
});

describe('requests', () => {
  it.each([
    ['an unknown field', 'PUT', '/v1/queues/x', { surprise: 1 }, 'body has the unknown field "surprise"'],
    ['one deep inside', 'POST', '/v1/queues/x/messages', { messages: [{ body: '', x: 1 }] }, 'body/messages/0 has'],
    ['a number as text', 'POST', '/v1/queues/x/receive', { max: '5' }, 'body/max must be integer'],
    ['a name that is none', 'GET', '/v1/queues/a%20b', undefined, 'params/queue must match'],
    ['no JSON', 'PUT', '/v1/queues/x', '{', 'JSON'],
    ['no base64', 'POST', '/v1/queues/x/messages', { messages: [{ body: '?', encoding: 'base64' }] }, 'not base64'],
    ['half a character', 'POST', '/v1/queues/x/messages', '{"messages":[{"body":"\\ud800"}]}', 'surrogate'],
    ['an unknown parameter', 'GET', '/v1/queues/x/deliveries?y=1', undefined, 'querystring has the unknown field "y"'],
    ['too much of it', 'GET', '/v1/queues/x/deliveries?prefetch=9999', undefined, 'prefetch must be <= 256'],
  ])('with %s are refused', async (_, method, path, body, detail) => {
    const answer = await one.call(method, path, body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ code: 'INVALID', status: 400, title: 'Bad Request', type: 'about:blank' });
    expect(answer.body.detail).toContain(detail);
  });

  it('have an id: the client’s, or one of their own', async () => {
    const named = await one.call('GET', '/v1/nothing', undefined, { 'x-request-id': 'mine-1' });
    expect([named.status, named.body.requestId, named.headers.get('x-request-id')]).toEqual([404, 'mine-1', 'mine-1']);
    const odd = await one.call('GET', '/v1/cluster', undefined, { 'x-request-id': 'a "quoted" one' });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/u);
  });

  it('of another kind than JSON, or from pages of others, are refused', async () => {
    const text = await one.call('POST', '/v1/queues/x/purge', 'x', { 'content-type': 'text/plain' });
    expect([text.status, text.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    const page = await one.call('POST', '/v1/cluster/leave', undefined, { origin: 'http://example.com' });
    expect([page.status, page.body.code]).toEqual([403, 'FORBIDDEN']);
    // Node's fetch says of itself what host it asks, so this goes by hand.
    const { port } = new URL(one.node.url);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.end('GET /v1/cluster HTTP/1.1\r\nHost: rebound.example.com\r\nConnection: close\r\n\r\n');
      });
      socket.once('data', (data) => resolve(String(data)));
    });
    expect(answer).toContain('HTTP/1.1 403');
  });

  it('to hand over to nobody fail', async () => {
    const answer = await one.call('POST', '/v1/cluster/transfer', { to: 'z' });
    expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
    expect((await one.call('POST', '/v1/cluster/transfer', { to: 'a' })).status).toBe(204);
  });
});

describe('probes', () => {
  it('tell of health and numbers', async () => {
    await expect.poll(async () => (await one.call('GET', '/readyz')).status, BUSY).toBe(200);
    expect((await one.call('GET', '/livez')).body).toMatchObject({ live: true, checks: { disk: { ok: true } } });
    const response = await fetch(`${one.node.url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const names = parseExposition(await response.text()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['broker_messages', 'broker_requests_published_total']));
    expect(names.filter((name) => /^quorate_raft_|eventloop_delay/u.test(name)).length).toBeGreaterThan(10);
  });
});

type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};

describe('the description', () => {
  it('is valid OpenAPI 3.1, and has every route and every problem', async () => {
    const body: unknown = (await one.call('GET', '/openapi.json')).body;
    const validator = new Validator();
    expect(await validator.validate(structuredClone(body as Description))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const { paths, components } = body as Description;
    expect(Object.keys(paths).sort()).toEqual(ROUTES);
    const said = JSON.stringify(body);
    for (const code of PROBLEM_CODES) expect(said).toContain(code);
    expect(components.schemas['Problem']).toMatchObject({ properties: { code: { enum: [...PROBLEM_CODES] } } });
    for (const path of Object.values(paths)) {
      for (const { operationId } of Object.values(path)) expect(operationId).toMatch(/^[a-z][A-Za-z]+$/u);
    }
  });

  const below = ['acknowledge', 'deliveries', 'extend', 'receive', 'reject'];
  const ROUTES = [
    '/livez',
    '/metrics',
    '/readyz',
    '/v1/cluster',
    '/v1/cluster/events',
    '/v1/cluster/leave',
    '/v1/cluster/transfer',
    '/v1/queues',
    '/v1/queues/{queue}',
    '/v1/queues/{queue}/messages',
    '/v1/queues/{queue}/purge',
    ...below.map((each) => `/v1/queues/{queue}/${each}`),
    '/v1/topics',
    '/v1/topics/{topic}',
    '/v1/topics/{topic}/messages',
    '/v1/topics/{topic}/subscriptions/{subscription}',
    ...below.map((each) => `/v1/topics/{topic}/subscriptions/{subscription}/${each}`),
  ].sort();
});
