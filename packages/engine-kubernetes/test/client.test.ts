import { type ClusterError, isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import { isExpired, type KubernetesClient, listAll, statusOf, type WatchEvent } from '../src/index.ts';
import { endless, HERE, json, LEASES, play, SLICES, text } from './scripted-http.ts';

const lease = { kind: 'Lease', metadata: { name: 'leader', resourceVersion: '7' } };
const status = (code: number, reason: string, message = '') => ({ kind: 'Status', code, reason, message });
const event = (type: string, resourceVersion: string) =>
  `${JSON.stringify({ type, object: { metadata: { name: 'web', resourceVersion } } })}\n`;

async function failureOf(call: Promise<unknown>): Promise<ClusterError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isClusterError(error)) throw new Error('expected a ClusterError', { cause: error });
  return error;
}

async function watch(client: KubernetesClient, signal?: AbortSignal): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const each of client.watch(SLICES, HERE, '5', { signal })) events.push(each);
  return events;
}

it('asks as the API has it', () =>
  play([json(200, lease)], async ({ client, requests }) => {
    await client.get(LEASES, 'default', 'leader');
    await client.create(LEASES, 'default', lease);
    await client.update(LEASES, 'default', lease);
    await client.patch(LEASES, 'default', 'leader', { spec: null });
    await client.delete(LEASES, 'default', 'leader');
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${leases}/leader`,
      `POST ${leases}`,
      `PUT ${leases}/leader`,
      `PATCH ${leases}/leader`,
      `DELETE ${leases}/leader`,
    ]);
    expect(requests[3]?.body).toEqual({ type: 'application/merge-patch+json', text: '{"spec":null}' });
  }));

it('lists in pages, and begins anew when the place of one has expired', () => {
  const item = (name: string) => ({ metadata: { name, resourceVersion: '1' } });
  const page = (items: unknown, next?: string) =>
    json(200, { metadata: { resourceVersion: '9', continue: next }, items });
  const first = () => page([item('a'), item('b'), 7], 'x&y');
  return play([first(), json(410, status(410, 'Expired')), first(), page(null)], async ({ client, requests }) => {
    const list = await listAll(client, SLICES, { ...HERE, labelSelector: 'a=b,c!=d' });
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(list.refused).toEqual(['item 2 is no object: 7']);
    expect(list.resourceVersion).toBe('9');
    expect(requests).toHaveLength(4);
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    expect(requests[0]?.path).toBe(`${slices}?labelSelector=a%3Db%2Cc!%3Dd&limit=500`);
    expect(requests[1]?.path).toContain('&continue=x%26y');
  });
});

it('reads a watch that arrives in pieces, and says so when the server ends it at once: renewing it would never end', () =>
  play([text(200, `${event('ADDED', '6')}${event('BOOKMARK', '8')}\n{"cut o`)], async ({ client, requests }) => {
    const events: WatchEvent[] = [];
    const reading = async () => {
      for await (const each of client.watch(SLICES, HERE, '5')) events.push(each);
    };
    expect((await failureOf(reading())).code).toBe('DISCONNECTED');
    expect(events.map(({ type, resourceVersion }) => [type, resourceVersion])).toEqual([
      ['ADDED', '6'],
      ['BOOKMARK', '8'],
    ]);
    expect(requests[0]?.path).toMatch(/\?watch=true&allowWatchBookmarks=true&timeoutSeconds=10&resourceVersion=5$/u);
  }));

it.each([
  ['with the status of the answer', json(410, status(410, 'Gone'))],
  ['with an event', text(200, `${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old') })}\n`)],
])('tells that a version is too old, be it said %s', (_, answer) =>
  play([answer], async ({ client }) => {
    expect(isExpired(await failureOf(watch(client)))).toBe(true);
  }),
);

it('ends a watch that is silent past its end, and one that doesn’t begin', () =>
  play([endless(event('ADDED', '6')), 'silence'], async ({ client, clock }) => {
    const start = clock.now();
    expect((await failureOf(watch(client))).code).toBe('TIMEOUT');
    expect(Math.round(clock.now() - start)).toBe(11_000);
    expect((await failureOf(watch(client))).code).toBe('TIMEOUT');
    expect(Math.round(clock.now() - start)).toBe(12_000);
  }));

it('ends with the caller’s signal and with its own end', () =>
  play([endless(event('ADDED', '6')), 'silence'], async ({ client, clock }) => {
    const stop = new AbortController();
    clock.setTimer(100, () => stop.abort());
    expect((await failureOf(watch(client, stop.signal))).code).toBe('ABORTED');
    const write = failureOf(client.create(LEASES, 'default', lease));
    const read = failureOf(client.get(LEASES, 'default', 'leader'));
    await client[Symbol.asyncDispose]();
    expect([(await write).code, (await write).outcome, (await read).code]).toEqual(['CLOSED', 'unknown', 'CLOSED']);
  }));

it.each<[string, Parameters<typeof play>[0][number], string, string]>([
  ['a conflict', json(409, status(409, 'Conflict', 'modified')), 'REMOTE', 'not-applied'],
  ['a missing permission', json(403, status(403, 'Forbidden')), 'REFUSED', 'not-applied'],
  ['credentials that are not valid', json(401, status(401, 'Unauthorized')), 'REFUSED', 'not-applied'],
  ['no such object', json(404, status(404, 'NotFound')), 'NOT_FOUND', 'not-applied'],
  ['too many requests', json(429, status(429, 'TooManyRequests')), 'OVERLOADED', 'not-applied'],
  ['a server that failed', json(500, status(500, 'InternalError')), 'REMOTE', 'unknown'],
  ['a gateway in between', text(503, '<html>'), 'REMOTE', 'unknown'],
  ['a redirect', text(302, ''), 'REMOTE', 'not-applied'],
  ['no answer', 'silence', 'TIMEOUT', 'unknown'],
  ['no way', new Error('reset'), 'DISCONNECTED', 'unknown'],
  ['no JSON', text(200, 'hello'), 'PROTOCOL', 'unknown'],
  ['no object', json(200, { items: [] }), 'PROTOCOL', 'unknown'],
])('says what became of a write that met with %s', (_, answer, code, outcome) =>
  play([answer], async ({ client }) => {
    const error = await failureOf(client.update(LEASES, 'default', lease));
    expect([error.code, error.outcome]).toEqual([code, outcome]);
  }),
);

it('says with a refusal what was asked for, and the server’s reason', () =>
  play([json(403, status(403, 'Forbidden', 'cannot patch'))], async ({ client }) => {
    const error = await failureOf(client.patch(LEASES, 'default', 'leader', {}));
    expect(error.message).toBe(
      'kubernetes: patch leases.coordination.k8s.io leader in default: the permission for this is missing (403 Forbidden cannot patch)',
    );
    expect(statusOf(error)).toMatchObject({ code: 403, reason: 'Forbidden', message: 'cannot patch' });
  }));

it('asks for nothing by a name that is none', () =>
  play([json(200, lease)], async ({ client, requests }) => {
    for (const name of ['', '..', '../../secrets', 'a/b', 'a?b', 'A', 'x'.repeat(300)]) {
      const calls = [() => client.get(LEASES, 'default', name), () => client.get(LEASES, name, 'leader')];
      for (const call of calls) expect((await failureOf(call())).code).toBe('INVALID_OPTIONS');
    }
    expect(requests).toEqual([]);
  }));

it('refuses answers and events past their bounds', () =>
  play(
    [text(200, 'x'.repeat(16 * 1024 * 1024 + 1), 1 << 20), text(200, 'x'.repeat(4 * 1024 * 1024 + 1), 1 << 20)],
    async (script) => {
      expect((await failureOf(script.client.get(LEASES, 'default', 'leader'))).message).toMatch(
        /larger than 16777216 bytes/u,
      );
      expect((await failureOf(watch(script.client))).message).toMatch(/larger than 4194304 bytes/u);
    },
  ));
