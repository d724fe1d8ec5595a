import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isClusterError } from '@quorate/core';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { prometheus } from '../src/index.ts';
import { parseExposition } from './exposition.ts';

const about = (name: string, unit = '{thing}') => ({ name, unit, description: `what ${name} is` });

describe('what is measured', () => {
  test('a counter is written with its attributes, under the name that OpenTelemetry gives', async () => {
    const metrics = prometheus({ eventLoop: false });
    const counter = metrics.counter(about('quorate.test.things'), { 'quorate.node.id': 'a', kind: 'x"y\n' });
    counter.add(2);
    counter.add(1);
    counter.add(-5); // it only grows
    expect(await metrics.text()).toBe(
      [
        '# HELP quorate_test_things_total what quorate.test.things is',
        '# TYPE quorate_test_things_total counter',
        String.raw`quorate_test_things_total{quorate_node_id="a",kind="x\"y\n"} 3`,
        '',
      ].join('\n'),
    );
  });

  test('a histogram counts into its buckets, what lies on a bound into the lower one', async () => {
    const metrics = prometheus({ eventLoop: false });
    const histogram = metrics.histogram({ ...about('quorate.test.wait', 's'), buckets: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 3, Number.NaN]) histogram.record(value);
    expect((await metrics.text()).split('\n').slice(2)).toEqual([
      'quorate_test_wait_seconds_bucket{le="0.1"} 2',
      'quorate_test_wait_seconds_bucket{le="1"} 3',
      'quorate_test_wait_seconds_bucket{le="+Inf"} 4',
      'quorate_test_wait_seconds_sum 3.65',
      'quorate_test_wait_seconds_count 4',
      '',
    ]);
  });

  test('instruments of one name and the same attributes are one, those of others stand beside', async () => {
    const metrics = prometheus({ eventLoop: false });
    for (const id of ['a', 'a', 'b']) metrics.counter(about('quorate.test.things'), { id }).add(1);
    const text = await metrics.text();
    expect(text).toContain('quorate_test_things_total{id="a"} 2');
    expect(text).toContain('quorate_test_things_total{id="b"} 1');
  });

  test('a gauge is asked at each collection, until it is disposed of; what it throws leaves the others alone', async () => {
    const metrics = prometheus({ eventLoop: false });
    let value = 1;
    const gauge = metrics.gauge(about('quorate.test.level', 'By'), (tell) => tell(value, { of: 'x' }), { id: 'a' });
    metrics.gauge(about('quorate.test.level', 'By'), () => {
      throw new Error('no');
    });
    expect(await metrics.text()).toContain('quorate_test_level_bytes{id="a",of="x"} 1');
    value = 7;
    expect(await metrics.text()).toContain('quorate_test_level_bytes{id="a",of="x"} 7');
    gauge[Symbol.dispose]();
    expect(await metrics.text()).not.toContain('id="a"');
  });

  test('two observers of the same attributes give one line: two would make the scrape fail', async () => {
    const metrics = prometheus({ eventLoop: false });
    for (const value of [1, 2]) metrics.observedCounter(about('quorate.test.sum'), (tell) => tell(value));
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('quorate_test_sum_total'));
    expect(lines).toEqual(['quorate_test_sum_total 2']);
  });

  test('what is counted and what is observed under one name give one line, too', async () => {
    const metrics = prometheus({ eventLoop: false });
    metrics.counter(about('quorate.test.sum'), { id: 'a' }).add(3);
    metrics.observedCounter(about('quorate.test.sum'), (tell) => tell(5), { id: 'a' });
    const [family] = parseExposition(await metrics.text());
    expect(family?.samples.map(({ value }) => value)).toEqual([5]);
  });

  test('a name that another kind of instrument has is refused: one text would be of two types', () => {
    const metrics = prometheus({ eventLoop: false });
    metrics.histogram({ ...about('quorate.test.wait', 's'), buckets: [1] });
    const refused = expect.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS'));
    expect(() => metrics.gauge(about('quorate.test.wait', 's'), () => undefined)).toThrow(refused);
    metrics.counter(about('quorate.test.things'));
    expect(() => metrics.gauge(about('quorate.test.things_total'), () => undefined)).toThrow(refused);
  });

  test('a parser reads what was measured, whatever names, words and values there are', async () => {
    const metrics = prometheus({ eventLoop: false });
    const words = 'a\\b "c"\nd, {e="f"} ü\u2028';
    const attributes = { 'quorate.node.id': words, le: 'no bound', '9.lives': 1 };
    const noted = { name: '9-things/x', unit: '{thing}', description: words };
    metrics.counter(noted, attributes).add(2);
    metrics.histogram({ ...about('wait', 's'), buckets: [1e-7, 1, 1e21] }, { id: words }).record(0.5);
    for (const [name, value] of Object.entries({ none: Number.NaN, most: Infinity, least: -Infinity, small: 1e-9 })) {
      metrics.gauge(about(name), (tell) => tell(value));
    }
    const families = parseExposition(await metrics.text());
    const [things] = families;
    expect(things).toMatchObject({ name: '_9_things_x_total', help: words, type: 'counter' });
    expect(things?.samples[0]?.labels.get('quorate_node_id')).toBe(words);
    expect(families.slice(2).map(({ name, samples }) => [name, samples[0]?.value])).toEqual([
      ['none', Number.NaN],
      ['most', Infinity],
      ['least', -Infinity],
      ['small', 1e-9],
    ]);
  });

  test('sets of attributes without end fill no memory', async () => {
    const metrics = prometheus({ eventLoop: false });
    for (let id = 0; id < 5000; id += 1) metrics.counter(about('quorate.test.things'), { id }).add(1);
    expect((await metrics.text()).split('\n').filter((line) => line.startsWith('quorate_')).length).toBe(2000);
  });

  test('the event loop is measured', async () => {
    using metrics = prometheus();
    expect(await metrics.text()).toMatch(/nodejs_eventloop_delay_p99_seconds \d/u);
  });
});

describe('where it goes', () => {
  test('a registry of the program takes it all, and a name that it has already is refused', async () => {
    const registry = new Registry();
    const metrics = prometheus({ registry, eventLoop: false });
    metrics.counter(about('quorate.test.things')).add(1);
    expect(await registry.metrics()).toContain('quorate_test_things_total 1');
    const other = prometheus({ registry, eventLoop: false });
    expect(() => other.counter(about('quorate.test.things'))).toThrow(
      expect.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS')),
    );
  });

  test('it is served at a port of its own: GET at /metrics, and nothing else', async () => {
    const metrics = prometheus({ eventLoop: false });
    metrics.counter(about('quorate.test.things')).add(1);
    await using server = await metrics.serve({ port: 0 });
    const url = `http://127.0.0.1:${server.address.port}`;
    const response = await fetch(`${url}/metrics?x=1`);
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
    expect(await response.text()).toContain('quorate_test_things_total 1');
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect(await (await fetch(`${url}/metrics`, { method: 'HEAD' })).text()).toBe('');
    await expect(metrics.serve({ port: server.address.port })).rejects.toSatisfy((error) =>
      isClusterError(error, 'IO'),
    );
  });

  test('its handler answers for a server of the program', async () => {
    const metrics = prometheus({ eventLoop: false });
    metrics.counter(about('quorate.test.things')).add(1);
    const server = createServer(metrics.handler).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/anything`);
    expect(await response.text()).toContain('quorate_test_things_total 1');
    server.close();
  });
});

test('its handler takes it that a response is over before the text is there', async () => {
  const metrics = prometheus({ eventLoop: false });
  const server = createServer((request, response) => {
    metrics.handler(request, response);
    // As a time limit in front of it does.
    response.writeHead(503).end('too late');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect([response.status, await response.text()]).toEqual([503, 'too late']);
  server.close();
});

test('wrong options are refused', () => {
  expect(() => prometheus({ registry: {} as Registry })).toThrow(/registry must be a Registry of prom-client/u);
  expect(() => prometheus({ other: 1 } as object)).toThrow(/there is no option other/u);
});
