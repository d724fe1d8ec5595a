import { once } from 'node:events';
import { request as ask } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ControlRefused } from '../../src/dashboard/dashboard-source.ts';
import type { ControlAction } from '../../src/dashboard/dashboard-state.ts';
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts';
import type { ServedDashboard } from '../../src/dashboard/serve-dashboard.ts';
import { RecordedRun } from './recorded-run.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

let run: RecordedRun;
let done: ControlAction[];
let dashboard: ServedDashboard;

beforeEach(async () => {
  run = new RecordedRun();
  done = [];
  const act = async (action: ControlAction): Promise<void> => {
    if (action.action === 'heal') throw new ControlRefused('nothing is cut');
    done.push(action);
  };
  dashboard = await serveDashboard({ source: run, controls: { act } });
});
afterEach(() => dashboard[Symbol.asyncDispose]());

/** By node:http, which sends the headers that it is given. */
async function send({ method = 'GET', path = '', headers = {}, body }: Request, url = dashboard.url): Promise<Answer> {
  const request = ask(new URL(path, url), { method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** As our own page would. */
async function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const own = {
    origin: dashboard.url.replace(/\/$/, ''),
    'content-type': 'application/json',
    'x-dashboard-token': await tokenOf(dashboard.url),
  };
  return send({ method: 'POST', path, headers: { ...own, ...headers }, body: JSON.stringify(body) });
}

async function tokenOf(url: string): Promise<string> {
  const { text } = await send({}, url);
  return /name="dashboard-token" content="([^"]+)"/.exec(text)?.[1] ?? '';
}

const KILL: ControlAction = { action: 'kill', node: 'a' };

describe('the page', () => {
  test('comes with all that it asks for, and loads nothing from elsewhere', async () => {
    const { status, headers, text } = await send({});
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    const found = [...text.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(found).toContain('page/main.ts');
    for (const path of found) expect([path, (await send({ path })).status]).toEqual([path, 200]);
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  test('has its modules without their types, and again without their text when nothing changed', async () => {
    const { headers, text } = await send({ path: 'page/store.ts' });
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(text).not.toContain('import type');
    const again = await send({ path: 'page/store.ts', headers: { 'if-none-match': String(headers.etag) } });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  test('has nothing but what it lists', async () => {
    for (const path of [
      'page/../../dashboard.ts',
      'page/tsconfig.json',
      '..%2fdashboard.ts',
      'lit-html/package.json',
    ]) {
      expect([path, (await send({ path })).status]).toEqual([path, 404]);
    }
  });

  test('answers to addresses and localhost, not to a name that somebody had resolve to here', async () => {
    const { port } = new URL(dashboard.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
      expect((await send({ headers: { host } })).status).toBe(200);
    }
    for (const path of ['', 'events']) {
      expect((await send({ path, headers: { host: `rebound.example:${port}` } })).status).toBe(421);
    }
  });
});

describe('control', () => {
  test('does what our own page asks', async () => {
    expect((await post('control', KILL)).status).toBe(204);
    const groups = [['a'], ['b', 'c']];
    expect((await post('control', { action: 'partition', groups })).status).toBe(204);
    expect(done).toEqual([KILL, { action: 'partition', groups }]);
  });

  test('does nothing for other pages, nor without the token', async () => {
    const strange: readonly Readonly<Record<string, string>>[] = [
      { origin: 'http://elsewhere.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'x-dashboard-token': '' },
      { 'x-dashboard-token': 'x'.repeat(43) },
    ];
    for (const headers of strange)
      expect([headers, (await post('control', KILL, headers)).status]).toEqual([headers, 403]);
    const headers = { 'content-type': 'application/json', 'x-dashboard-token': await tokenOf(dashboard.url) };
    const bare = await send({ method: 'POST', path: 'control', headers, body: JSON.stringify(KILL) });
    expect(bare.status).toBe(403);
    expect(done).toEqual([]);
  });

  test('does nothing that it does not know', async () => {
    const strange = [{}, [], null, { action: 'explode', node: 'a' }, { action: 'kill' }, { ...KILL, also: 1 }];
    for (const body of strange) expect([body, (await post('control', body)).status]).toEqual([body, 400]);
    expect((await post('control', KILL, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post('control', { ...KILL, node: 'a'.repeat(20_000) })).status).toBe(413);
    expect((await post('elsewhere', KILL)).status).toBe(404);
    expect(done).toEqual([]);
  });

  test('says why not, where something cannot be done now', async () => {
    const { status, text, headers } = await post('control', { action: 'heal' });
    expect(status).toBe(409);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(text)).toEqual({ status: 409, detail: 'nothing is cut' });
  });

  test('is not there beyond loopback, nor where nobody takes it', async () => {
    const act = async (action: ControlAction): Promise<void> => void done.push(action);
    await using open = await serveDashboard({ source: run, controls: { act }, messages: {}, host: '0.0.0.0' });
    const url = open.url.replace('0.0.0.0', '127.0.0.1');
    const headers = {
      origin: url.replace(/\/$/, ''),
      'content-type': 'application/json',
      'x-dashboard-token': await tokenOf(url),
    };
    for (const path of ['control', 'messages', 'consumer']) {
      const body = JSON.stringify(KILL);
      expect((await send({ method: 'POST', path, headers, body }, url)).status).toBe(404);
    }
    const events = await listen(url);
    expect(await events.until('state')).toMatchObject({ controls: [] });
    expect(done).toEqual([]);
  });
});

/** What comes by server-sent events. */
async function listen(url = dashboard.url): Promise<{ until(name: string): Promise<unknown>; close(): void }> {
  const aborted = new AbortController();
  const response = await fetch(new URL('events', url), { signal: aborted.signal });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (name: string): Promise<unknown> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end < 0) {
        const { value, done: isOver } = await reader.read();
        if (isOver) throw new Error('the stream ended');
        text += value;
        continue;
      }
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const [, found, data] = /event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (found === name) return JSON.parse(data ?? '');
    }
  };
  return { until, close: () => aborted.abort() };
}

describe('events', () => {
  test('are first of all what there is, then what comes', async () => {
    const events = await listen();
    expect(await events.until('hello')).toMatchObject({ samples: [{}] });
    for (const entry of run.entries()) expect(await events.until('entry')).toEqual(entry);
    expect(await events.until('state')).toEqual(run.state());
    const changed = run.advanceUntil((state) => state.nodes.some(({ process }) => process === 'killed'));
    expect(await events.until('state')).toEqual(changed);
    events.close();
  });

  test('tell of states four times a second at most, and of the last one in the end', async () => {
    const events = await listen();
    await events.until('state');
    let states = 0;
    const counting = (async () => {
      for (;;) {
        const state = await events.until('state');
        states += 1;
        if (JSON.stringify(state) === JSON.stringify(run.state()) && states > 1) return;
      }
    })();
    for (let index = 0; index < 20; index += 1) run.advanceUntil(() => true);
    await counting;
    expect(states).toBeLessThan(6);
    events.close();
  });

  test('do not pile up for who does not read', async () => {
    const before = process.memoryUsage().rss;
    const { hostname, port } = new URL(dashboard.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.pause();
    socket.write(`GET /events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    await once(socket, 'connect');
    const text = 'x'.repeat(200_000);
    for (let number = 10_001; number <= 11_000; number += 1) {
      run.add({ number, at: new Date().toISOString(), level: 'info', node: undefined, text });
      if (number % 20 === 0) await sleep(1);
    }
    // 200 MB were said: kept are the last 200 entries, once for all.
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    const events = await listen();
    const first = (await events.until('entry')) as { readonly number: number };
    expect(first.number).toBe(10_801);
    events.close();
    socket.destroy();
  });

  test('are not for more than 32 at once, nor for other pages', async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => listen()));
    expect((await send({ path: 'events' })).status).toBe(503);
    expect((await send({ path: 'events', method: 'HEAD' })).status).toBe(405);
    expect((await send({ path: 'events', headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    for (const events of all) events.close();
    await expect
      .poll(async () => {
        const response = await fetch(new URL('events', dashboard.url), { signal: AbortSignal.timeout(1000) });
        await response.body?.cancel();
        return response.status;
      })
      .toBe(200);
  });
});
