import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fencingGuard } from '@quorate/coordination';
import { ClusterError, isClusterError } from '@quorate/core';
import type { FencedStore } from './fenced-store.ts';

const HEADER = 'fencing-token';
const CONFLICT = 409;

/** A service that takes a value by PUT, unless who sends it comes late. It remembers tokens as long as it does values. */
export async function fencedService(): Promise<Server> {
  const values = new Map<string, string>();
  const guard = fencingGuard();
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.writeHead(500).end());
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const key = request.url ?? '/';
    if (request.method !== 'PUT') {
      const value = values.get(key);
      response.writeHead(value === undefined ? 404 : 200).end(value);
      return;
    }
    const body = await text(request);
    const token = request.headers[HEADER];
    if (typeof token !== 'string' || !/^\d{1,19}$/u.test(token)) {
      response.writeHead(428).end(`${HEADER} is missing`);
      return;
    }
    // Nothing may be awaited between the look at the token and the write.
    try {
      guard.check(key, BigInt(token));
    } catch (error) {
      response.writeHead(isClusterError(error, 'STALE_TOKEN') ? CONFLICT : 503).end(String(error));
      return;
    }
    values.set(key, body);
    response.writeHead(204).end();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

export function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The other side. */
export function httpStore(base: string): FencedStore {
  const url = (key: string): string => `${base}/${encodeURIComponent(key)}`;
  return {
    write: async (key, value, token) => {
      const answer = await fetch(url(key), { method: 'PUT', headers: { [HEADER]: String(token) }, body: value });
      if (answer.status === CONFLICT) throw new ClusterError('STALE_TOKEN', await answer.text());
      if (!answer.ok) throw new ClusterError('REMOTE', `${key}: ${answer.status} ${await answer.text()}`);
    },
    read: async (key) => {
      const answer = await fetch(url(key));
      return answer.ok ? await answer.text() : undefined;
    },
    close: async () => undefined,
  };
}
