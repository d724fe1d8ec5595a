import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { isClusterError } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { type EtcdClient, etcdEngine } from '../src/index.ts';

interface Lie {
  readonly message: Uint8Array;
  /** In place of the message's own. */
  readonly length?: number;
  readonly status?: string;
  readonly details?: string;
}

const NOTHING = new Uint8Array();
let lie: Lie = { message: NOTHING };
let server: Http2Server;
let client: EtcdClient;

beforeAll(async () => {
  server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    stream.once('data', () => answer(stream, lie));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoints = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  client = etcdEngine({ endpoints, timeoutMs: 2000, memberTimeoutMs: 1000 }).open(nodeSystem());
});
afterAll(() => {
  client[Symbol.dispose]();
  server.close();
});

function answer(stream: ServerHttp2Stream, { message, length, status = '0', details = '' }: Lie): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': details }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length ?? message.length, 1);
  stream.end(Buffer.concat([head, message]));
}

it.each<[string, Lie, string]>([
  ['without anything', { message: NOTHING }, 'PROTOCOL'],
  ['with other fields than asked for', { message: Uint8Array.of(0x0a, 0, 0x1a, 0, 0x12, 0) }, 'PROTOCOL'],
  ['that is no message', { message: Uint8Array.of(0xff, 0xff, 1, 2, 3) }, 'IO'],
  ['nested in itself', { message: new Uint8Array(60_000).fill(0x0a) }, 'PROTOCOL'],
  ['longer than anything', { message: NOTHING, length: 0x7fffffff }, 'OVERLOADED'],
  ['of no status', { message: NOTHING, status: 'x' }, 'IO'],
  ['that failed in several lines', { message: NOTHING, status: '3', details: 'x%0Ay%1B[2J' }, 'REMOTE'],
])('an answer %s is refused or taken, and never more than a ClusterError of one line', async (_, given, code) => {
  lie = given;
  const value = Uint8Array.of(1);
  const { signal } = new AbortController();
  const calls: Promise<unknown>[] = [
    client.createIfAbsent('a', value),
    client.list('a/'),
    client.get('a'),
    client.put('a', value),
    client.writeIfCreated({ key: 'a', createRevision: 3n }, {}),
    client.writeIfUnchanged({ key: 'a', modRevision: 3n }, value),
    client.grantRenewableLease({ ttlMs: 5000 }),
    client.follow('a/', () => undefined, { signal }),
    client.follow('a/', () => undefined, { signal, since: { entries: [], revision: 5n, complete: true } }),
  ];
  const errors = (await Promise.allSettled(calls)).flatMap((call) => (call.status === 'rejected' ? [call.reason] : []));
  for (const error of errors as unknown[]) {
    if (!isClusterError(error)) throw error;
    expect(error.message).not.toMatch(/\p{Cc}/u);
  }
  expect(errors[0]).toMatchObject({ code });
});
