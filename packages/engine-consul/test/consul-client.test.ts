import { type ClusterError, isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { consulEngine, type ConsulEngineOptions } from '../src/index.ts';
import { never, openScene } from './scripted-exchange.ts';

async function failure(call: Promise<unknown>): Promise<ClusterError> {
  const error = await call.then(
    () => expect.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!isClusterError(error)) throw error;
  return error;
}

describe('a request', () => {
  it('is encoded part by part, with what goes along with every one', async () => {
    const { client, exchange } = openScene(() => ({ body: '{"a":1}' }), {
      datacenter: 'dc 1'.replace(' ', '-'),
      namespace: 'team',
      token: 'secret',
    });
    const query = { tag: ['a b', 'c&d', '\ud800'], passing: true, cas: 0, near: undefined };
    expect(await client.get(['kv', 'a/b', '../c'], { query })).toEqual({
      status: 200,
      body: { a: 1 },
      index: undefined,
      filtered: false,
    });
    await client.put(['kv', 'x'], new Uint8Array([0, 255]));
    await client.ask(['internal', 'acl', 'authorize'], [1]);
    const [get, put, ask] = exchange.requests;
    expect(get?.path).toBe('/v1/kv/a%2Fb/..%2Fc?dc=dc-1&ns=team&tag=a%20b&tag=c%26d&tag=%EF%BF%BD&passing=true&cas=0');
    expect(get?.headers).toEqual({ accept: 'application/json', 'x-consul-token': 'secret' });
    expect([get?.method, put?.method, ask?.method]).toEqual(['GET', 'PUT', 'POST']);
    expect([get?.body, put?.body, ask?.body]).toEqual([undefined, new Uint8Array([0, 255]), '[1]']);
  });

  it('carries the token and certificate that are valid now', async () => {
    const tokens = ['one\n', 'one', 'two'];
    let asked = 0;
    const tls = () => ({ ca: `ca ${asked}` });
    const { client, exchange } = openScene(() => ({}), {
      address: 'https://consul.example',
      token: () => Promise.resolve(tokens[asked++] ?? ''),
      tls,
    });
    const generations: number[] = [];
    for (const _ of tokens) {
      await client.get(['kv', 'x']);
      generations.push(client.tokenGeneration);
    }
    expect(exchange.requests.map(({ headers }) => headers['x-consul-token'])).toEqual(['one', 'one', 'two']);
    expect(exchange.requests.map((request) => request.tls?.ca)).toEqual(['ca 0', 'ca 1', 'ca 2']);
    expect(generations).toEqual([0, 0, 1]);
    // The fourth is empty, which is none.
    const error = await failure(client.put(['kv', 'x'], 1));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', outcome: 'not-applied' });
  });

  it('fails when its token cannot be had, in time and without a word of it', async () => {
    const lost = openScene(() => ({}), { token: () => Promise.reject(new Error('no such file')) });
    expect(await failure(lost.client.put(['kv', 'x'], 1))).toMatchObject({ code: 'IO', outcome: 'not-applied' });
    const late = openScene(() => ({}), { token: never, timeoutMs: 70 });
    const error = late.world.settled(failure(late.client.put(['kv', 'x'], 1)), 100);
    expect(await error).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' });
    const odd = openScene(() => ({}), { token: () => 'se\ncret' });
    const refused = await failure(odd.client.get(['kv', 'x']));
    expect(refused.message).not.toContain('cret');
    expect(odd.exchange.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it.each<[number, string, string, string]>([
    [404, '', 'NOT_FOUND', 'not-applied'],
    [500, 'Unknown check "service:x"', 'NOT_FOUND', 'not-applied'],
    [500, 'Unknown service {"x" {}}', 'NOT_FOUND', 'not-applied'],
    [500, 'CheckID "x" does not have associated TTL', 'NOT_FOUND', 'not-applied'],
    [500, 'No cluster leader', 'REMOTE', 'unknown'],
    [500, 'rpc error making call: Unknown check', 'REMOTE', 'unknown'],
    [503, '', 'REMOTE', 'unknown'],
    [403, 'ACL not found', 'REFUSED', 'not-applied'],
    [401, 'ACL support disabled', 'REFUSED', 'not-applied'],
    [400, 'Bad request', 'REFUSED', 'not-applied'],
    [429, 'Your IP is issuing too many concurrent connections', 'OVERLOADED', 'not-applied'],
    [301, '', 'PROTOCOL', 'unknown'],
    [0, '', 'PROTOCOL', 'unknown'],
  ])('of status %i, %j, is %s', async (status, body, code, outcome) => {
    const { client } = openScene(() => ({ status, body }));
    const error = await failure(client.put(['kv', 'x'], 1));
    expect(error).toMatchObject({ code, outcome });
    expect(error.message).toBe(`consul http://127.0.0.1:8500: PUT /v1/kv/x: ${status} ${body}`.trim());
    expect(await failure(client.get(['kv', 'x']))).toMatchObject({ code, outcome: undefined });
  });

  it('is quoted shortly, on one line and without the token', async () => {
    const body = `token secret-1 is\nnot\u001b[31m known ${'x'.repeat(9_999)}`;
    const { client } = openScene(() => ({ status: 403, body }), { token: 'secret-1' });
    const { message } = await failure(client.get(['kv', 'x']));
    expect(message).toContain('403 token <token> is not [31m known xxx');
    expect(message.length).toBeLessThan(300);
  });

  it.each<[string, Partial<{ body: string; headers: Record<string, string | string[]> }>]>([
    ['that is cut off', { body: '{"a":' }],
    ['of HTML', { body: '<html></html>' }],
    ['with an index that is none', { headers: { 'x-consul-index': 'many' } }],
    ['with a negative index', { headers: { 'x-consul-index': '-1' } }],
    ['with an index that is too great', { headers: { 'x-consul-index': '99999999999999999999' } }],
    ['with two indexes', { headers: { 'x-consul-index': ['1', '2'] } }],
  ])('%s is refused', async (_, answer) => {
    const { client } = openScene(() => answer);
    expect(await failure(client.get(['kv', 'x']))).toMatchObject({ code: 'PROTOCOL' });
  });

  it('of any text and headers gives a value or a ClusterError', async () => {
    const headers = fc.dictionary(fc.constantFrom('x-consul-index', 'x-consul-results-filtered-by-acls'), fc.string());
    const answers = fc.record({
      status: fc.integer({ min: 0, max: 999 }),
      body: fc.oneof(fc.string(), fc.json()),
      headers,
    });
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const error: unknown = await openScene(() => answer)
          .client.get(['kv', 'x'])
          .then(() => undefined)
          .catch((reason: unknown) => reason);
        expect(error === undefined || isClusterError(error)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('that does not come ends the call by its deadline, its signal or the end of the client', async () => {
    const { client, world } = openScene(never, { timeoutMs: 300 });
    const late = failure(client.put(['kv', 'x'], 1));
    const later = failure(client.get(['kv', 'x'], { timeoutMs: 500 }));
    expect(await world.settled(late, 301)).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    expect(await world.settled(later, 201)).toMatchObject({ code: 'TIMEOUT', outcome: undefined });
    const controller = new AbortController();
    const aborted = failure(client.get(['kv', 'x'], { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await aborted).code).toBe('ABORTED');
    const closed = failure(client.put(['kv', 'x'], 1));
    await world.run(1);
    await client[Symbol.asyncDispose]();
    expect(await closed).toMatchObject({ code: 'CLOSED', outcome: 'unknown' });
    expect(await failure(client.put(['kv', 'x'], 1))).toMatchObject({ code: 'CLOSED', outcome: 'not-applied' });
  });
});

describe('options', () => {
  it.each<[string, ConsulEngineOptions, RegExp]>([
    ['address', { address: 'http://user:hunter2@consul:8500' }, /address must be http.*not shown/u],
    ['address', { address: 'ftp://hunter2' }, /address must be/u],
    ['address', { address: 'http://consul:8500/hunter2' }, /address must be/u],
    ['address', { address: '' }, /address must be/u],
    ['token', { token: 'hunter2\n' }, /token must be a text.*not shown/u],
    ['token', { token: '' }, /token must be/u],
    ['tls', { address: 'https://c', tls: { key: 'hunter2' } }, /tls must be/u],
    ['tls', { address: 'https://c', tls: { ca: 'x', passphrase: 'hunter2' } as object }, /tls must be/u],
    ['tls', { tls: { ca: 'hunter2' } }, /tls is only for an address with https:, got http:\/\/127/u],
    ['datacenter', { datacenter: 'a b' }, /datacenter must be/u],
    ['namespace', { namespace: '' }, /namespace must be/u],
    ['timeoutMs', { timeoutMs: 0 }, /timeoutMs must be/u],
    ['exchange', { exchange: 7 as never }, /exchange must be a function/u],
    ['an unknown one', { adress: 'x' } as ConsulEngineOptions, /no option adress/u],
  ])('refuses %s in %j without quoting secrets', (_, options, message) => {
    const attempt = () => consulEngine(options);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/hunter2/u);
  });

  it('takes an address in every form', () => {
    for (const [address, origin] of [
      ['consul:8500', 'http://consul:8500'],
      ['http://[::1]:8500/', 'http://[::1]:8500'],
      ['https://consul.example', 'https://consul.example'],
    ] as const) {
      expect(consulEngine({ address }).address).toBe(origin);
    }
  });
});

it('the last client of an engine closes the exchange, and the next one opens another', async () => {
  const { client, exchange, clock } = openScene(() => ({}));
  expect(exchange.disposed).toBe(0);
  await client[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  expect(exchange.disposed).toBe(1);
  let opened = 0;
  const connect = () => {
    opened += 1;
    return exchange;
  };
  const engine = consulEngine({ exchange: connect });
  const [a, b] = [engine.open({ clock }), engine.open({ clock })];
  await a[Symbol.asyncDispose]();
  expect(exchange.disposed).toBe(1);
  await b[Symbol.asyncDispose]();
  expect([opened, exchange.disposed]).toEqual([1, 2]);
  await engine.open({ clock })[Symbol.asyncDispose]();
  expect([opened, exchange.disposed]).toEqual([2, 3]);
});
