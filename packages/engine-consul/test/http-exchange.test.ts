import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

import { isClusterError } from '@quorate/core';
import { afterEach, expect, it } from 'vitest';

import type { HttpRequest } from '../src/index.ts';
import { NodeHttpExchange } from '../src/node/http-exchange.ts';

const owned: (() => void)[] = [];
afterEach(() => {
  for (const end of owned.splice(0)) end();
});

/** Something that accepts connections and says this to each request, be it HTTP or not. */
async function serve(reply: (socket: Socket, request: string) => void): Promise<NodeHttpExchange> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (data) => reply(socket, String(data)));
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const exchange = new NodeHttpExchange(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  owned.push(() => {
    exchange[Symbol.dispose]();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return exchange;
}

const request: HttpRequest = { method: 'PUT', path: '/v1/kv/x', headers: { accept: '*/*' }, body: 'ü', maxBytes: 100 };

async function failure(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => 'none',
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? [error.code, error.outcome] : error;
}

it('sends bytes with their length, and takes what is answered', async () => {
  let seen = '';
  const exchange = await serve((socket, text) => {
    seen += text;
    socket.write('HTTP/1.1 500 No\r\nX-Consul-Index: 7\r\nContent-Length: 2\r\n\r\nno');
  });
  const answer = await exchange.send(request);
  expect([answer.status, answer.headers['x-consul-index'], answer.body]).toEqual([500, '7', 'no']);
  expect(seen).toMatch(/^PUT \/v1\/kv\/x HTTP\/1.1\r\n/u);
  expect(seen).toMatch(/content-length: 2\r\n/iu);
});

it.each<[string, string, unknown]>([
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n', ['PROTOCOL', 'unknown']],
  ['headers without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, ['PROTOCOL', 'unknown']],
  ['too long a body', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`, ['PROTOCOL', 'unknown']],
  [
    'too long a body, in chunks',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n${'x'.repeat(101)}\r\n`,
    ['PROTOCOL', 'unknown'],
  ],
])('refuses %s', async (_, text, expected) => {
  const exchange = await serve((socket) => void socket.write(text));
  expect(await failure(exchange.send(request))).toEqual(expected);
});

it.each<[string, string]>([
  ['before the answer', ''],
  ['within the headers', 'HTTP/1.1 200 OK\r\nContent-'],
  ['within the body', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf'],
])('says that the connection was lost %s', async (_, text) => {
  const exchange = await serve((socket) => void socket.end(text));
  expect(await failure(exchange.send(request))).toEqual(['DISCONNECTED', 'unknown']);
});

it('a write is sent once, and a read on a new connection when the kept one is closed', async () => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const served: string[] = [];
  const uses = new Map<Socket, number>();
  const exchange = await serve((socket, text) => {
    const use = (uses.get(socket) ?? 0) + 1;
    uses.set(socket, use);
    served.push(`${text.slice(0, 3)} ${use}`);
    if (use === 1) socket.write(ok);
    else socket.resetAndDestroy();
  });
  const read: HttpRequest = { ...request, method: 'GET' };
  await exchange.send(read);
  await exchange.send(read);
  await exchange.send(read);
  await exchange.send(request);
  expect(served).toEqual(['GET 1', 'GET 2', 'GET 1', 'GET 1', 'PUT 1']);
});

it('a line goes on with whoever answered before, or says that it cannot', async () => {
  const seen: string[] = [];
  let sockets = 0;
  const numbers = new Map<Socket, number>();
  const exchange = await serve((socket, text) => {
    const number = numbers.get(socket) ?? (sockets += 1);
    numbers.set(socket, number);
    seen.push(`${/v1.([^ ]*)/u.exec(text)?.[1] ?? ''} by ${number}`);
    const close = text.includes('/v1/last') ? 'Connection: close\r\n' : '';
    socket.write(`HTTP/1.1 200 OK\r\n${close}Content-Length: 0\r\n\r\n`);
    if (text.includes('/v1/broken')) socket.destroy();
  });
  const line = exchange.openLine();
  const ask = (path: string, continues: boolean) =>
    line.send({ ...request, method: 'GET', path: `/v1/${path}` }, { continues });
  await ask('first', false);
  await ask('second', true);
  await ask('broken', true);
  expect(await failure(ask('lost', true))).toEqual(['DISCONNECTED', 'not-applied']);
  await ask('third', false);
  // Nobody can tell then.
  await ask('last', true);
  await ask('fourth', true);
  expect(seen).toEqual(['first by 1', 'second by 1', 'broken by 1', 'third by 2', 'last by 2', 'fourth by 3']);
  exchange[Symbol.dispose]();
  expect(await failure(ask('closed', true))).toEqual(['DISCONNECTED', 'not-applied']);
});

it('a path that no request can have fails that request', async () => {
  const exchange = await serve(() => undefined);
  expect(await failure(exchange.send({ ...request, path: '/v1/a b\n' }))).toEqual(['DISCONNECTED', 'not-applied']);
});
