import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { readNodeOptions } from '../../src/node/node-options.ts';
import { EventClient } from './events.ts';
import { call, oneNode } from './one-node.ts';

it('asks for its token, but of probes', async () => {
  await using one = await oneNode(['--http-token', 'sixteen-characters']);
  const told = { authorization: 'Bearer sixteen-characters' };
  const without = await one.call('GET', '/v1/cluster');
  expect([without.status, without.body.code]).toEqual([401, 'UNAUTHORIZED']);
  expect(without.headers.get('www-authenticate')).toBe('Bearer');
  expect((await one.call('GET', '/v1/cluster', undefined, { authorization: 'Bearer sixteen' })).status).toBe(401);
  expect((await one.call('GET', '/v1/cluster', undefined, told)).status).toBe(200);
  expect((await one.call('GET', '/metrics')).status).toBe(401);
  expect((await one.call('GET', '/livez')).status).toBe(200);
});

it('takes no more at one time than it may', async () => {
  await using one = await oneNode([], { maxWaiting: 1, maxUnderWay: 1 });
  await one.call('PUT', '/v1/queues/q', {});
  const first = one.call('POST', '/v1/queues/q/receive', { waitMs: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const second = await one.call('POST', '/v1/queues/q/receive', { waitMs: 2_000 });
  expect([second.status, second.body.code, second.headers.get('retry-after')]).toEqual([429, 'OVERLOADED', '1']);
  // Those that wait keep nobody from publishing; but too many at once do.
  const publish = () => one.call('POST', '/v1/queues/q/messages', { messages: [{ body: 'x' }] });
  const statuses = (await Promise.all(Array.from({ length: 20 }, publish))).map(({ status }) => status);
  expect(statuses).toContain(201);
  expect(statuses).toContain(429);
  expect((await first).body.deliveries).toHaveLength(1);
  expect((await one.call('POST', '/v1/queues/q/receive', {})).status).toBe(200);
});

it('lets go of who asks and does not read', async () => {
  await using one = await oneNode([], { maxUnderWay: 50, idleMs: 500 });
  const { hostname, port, host } = new URL(one.node.url);
  const deaf = connect({ host: hostname, port: Number(port) }).pause();
  deaf.on('error', () => undefined);
  const status = async () => {
    deaf.write(`GET /openapi.json HTTP/1.1\r\nhost: ${host}\r\n\r\n`.repeat(50));
    return (await one.call('GET', '/v1/cluster')).status;
  };
  // What the system keeps for it is full at some time.
  await expect.poll(status, { interval: 5, timeout: 5_000 }).toBe(429);
  await expect.poll(async () => (await one.call('GET', '/v1/cluster')).status, { timeout: 10_000 }).toBe(200);
  deaf.destroy();
});

it('serves beside an election of another kind', async () => {
  await using one = await oneNode(['--election', 'majority', '--membership', 'heartbeat']);
  await one.call('PUT', '/v1/queues/q', {});
  await one.call('POST', '/v1/queues/q/messages', { messages: [{ body: 'x' }] });
  const elected = async () => (await one.call('GET', '/v1/cluster')).body.elected;
  await expect.poll(elected, { timeout: 20_000 }).toMatchObject({ id: 'a' });
});

it('serves strangers only when told to', () => {
  const readable = (...args: readonly string[]) =>
    readNodeOptions(['--id', 'a', '--http', '0.0.0.0:8080', ...args]).http;
  expect(() => readable()).toThrow(/QUORATE_HTTP_TOKEN/u);
  expect(readable('--http-open')).toEqual({ host: '0.0.0.0', port: 8080, token: undefined });
  expect(readable('--http-token', 'sixteen-characters').token).toBe('sixteen-characters');
  expect(() => readable('--http-token', 'short')).toThrow(/at least 16/u);
});

it('stops when a client has it leave: waits are over, what was delivered is given back, nothing more is taken', async () => {
  const one = await oneNode();
  const path = '/v1/queues/q';
  await one.call('PUT', path, { options: { visibilityMs: 600_000 } });
  await one.call('PUT', '/v1/queues/empty', {});
  await one.call('POST', `${path}/messages`, { messages: [{ body: 'held' }] });
  const stream = new EventClient(`${one.node.url}${path}/deliveries`);
  const cluster = new EventClient(`${one.node.url}/v1/cluster/events`);
  await stream.first(1, 'delivery');
  await cluster.first(1, 'status');
  const poll = call(`${one.node.url}/v1/queues/empty/receive`, 'POST', { waitMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await one.call('POST', '/v1/cluster/leave')).body).toEqual({ id: 'a' });
  const late = await one.call('GET', '/v1/queues').catch(() => undefined);
  if (late !== undefined) expect([late.status, late.headers.get('connection')]).toEqual([503, 'close']);
  expect((await poll).body).toEqual({ deliveries: [] });
  await Promise.all([stream.ended, cluster.ended, one.node.ended]);
  expect(one.node.local.queues().find(({ name }) => name === 'q')).toMatchObject({ inFlight: 0, ready: 1 });
  await one[Symbol.asyncDispose]();
});
