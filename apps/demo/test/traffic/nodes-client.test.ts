import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { NoAnswer, NodesClient } from '../../src/traffic/nodes-client.ts';

const servers: Server[] = [];
const signal = AbortSignal.timeout(20_000);
const call = { method: 'POST', path: '/x', body: { a: 1 }, signal } as const;

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Answers with one status after the other, the last one for all that follow; 0 is none. */
async function node(...statuses: readonly number[]): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    const status = statuses[Math.min(asked, statuses.length - 1)] ?? 0;
    asked += 1;
    request.resume();
    if (status === 0) return;
    const outcome = status === 504 ? 'unknown' : 'not-applied';
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ status, outcome }));
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

describe('a client of several nodes', () => {
  it('stays with one that answers', async () => {
    const [a, b] = [await node(200), await node(200)];
    const client = new NodesClient({ urls: [a.url, b.url], timeoutMs: 5_000 }, 1);
    for (let time = 0; time < 3; time += 1) expect(await client.persist(call)).toMatchObject({ status: 200 });
    expect([a.asked(), b.asked()]).toEqual([0, 3]);
    expect(client.failed).toBe(0);
  });

  it('goes on to another where one can not, or does not answer, and counts what nobody can tell', async () => {
    const [silent, busy, unsure, good] = [await node(0), await node(503), await node(504), await node(201)];
    const urls = [silent, busy, unsure, good].map(({ url }) => url);
    const client = new NodesClient({ urls, timeoutMs: 300 });
    expect(await client.persist(call)).toEqual({
      status: 201,
      body: { status: 201, outcome: 'not-applied' },
      unknownBefore: 2,
    });
    expect(client.failed).toBe(3);
    expect(client.url).toBe(good.url);
  });

  it.each([400, 404, 409, 501])('takes %i for an answer', async (status) => {
    const { url } = await node(status);
    expect(await new NodesClient({ urls: [url], timeoutMs: 5_000 }).persist(call)).toMatchObject({ status });
  });

  it('asks again after 429, of the same node where there is no other', async () => {
    const { url, asked } = await node(429, 503, 200);
    const client = new NodesClient({ urls: [url], timeoutMs: 5_000 });
    expect(await client.persist(call)).toMatchObject({ status: 200, unknownBefore: 0 });
    expect(asked()).toBe(3);
  });

  it('knows that nobody is there', async () => {
    const { url } = await node(200);
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    expect(await new NodesClient({ urls: [url], timeoutMs: 5_000 }).attempt(call)).toBeInstanceOf(NoAnswer);
  });

  it('ends with its signal, which is no failure', async () => {
    const { url } = await node(0);
    const client = new NodesClient({ urls: [url], timeoutMs: 20_000 });
    const ending = new AbortController();
    const waiting = client.persist({ ...call, signal: ending.signal });
    ending.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(client.failed).toBe(0);
  });
});
