import { ClusterError, isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { BlockingQuery, followingIndex } from '../src/index.ts';
import { never, openScene, type Scene } from './scripted-exchange.ts';

const headers = (index: number) => ({ headers: { 'x-consul-index': String(index) } });
const options = { query: { passing: true }, waitMs: 16_000, timeoutMs: 500 };

function askedWith({ exchange }: Scene): readonly (string | undefined)[] {
  return exchange.requests.map(({ path }) => /index=(\d+)/u.exec(path)?.[1]);
}

it('asks beyond the index that it was told, and from the start when that goes back or is lost', async () => {
  const script = [
    headers(40),
    headers(45),
    headers(45),
    headers(7),
    headers(8),
    undefined,
    headers(3),
    headers(0),
    headers(1),
  ];
  const scene = openScene((_, number) => script[number - 1] ?? Promise.reject(new Error('cut')));
  using query = new BlockingQuery(scene.client, ['health', 'service', 'x'], options);
  const outcomes: unknown[] = [];
  for (const _ of script) {
    const answer = scene.world.settled(query.next(), 60_000);
    outcomes.push(
      await answer.then(
        ({ index }) => index,
        (error: unknown) => isClusterError(error) && error.code,
      ),
    );
  }
  expect(outcomes).toEqual([40, 45, 45, 7, 8, 'IO', 3, 0, 1]);
  expect(askedWith(scene)).toEqual([undefined, '40', '45', '45', undefined, '8', undefined, '3', undefined]);
  expect(scene.exchange.requests[1]?.path).toBe('/v1/health/service/x?passing=true&index=40&wait=16000ms');
});

it('never asks oftener than every 100 ms, whatever the index does', async () => {
  let index = 0;
  const scene = openScene(() => headers((index += 1)));
  using query = new BlockingQuery(scene.client, ['kv', 'x'], options);
  for (let asked = 0; asked < 20; asked += 1) await scene.world.settled(query.next(), 1_000);
  const { times } = scene.exchange;
  const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...pauses)).toBeLessThan(150);
});

it('waits as long as Consul may: the wait, a sixteenth of it, and the time to answer', async () => {
  const scene = openScene((_, number) => (number === 1 ? headers(5) : never()));
  const { client, clock, world } = scene;
  using query = new BlockingQuery(client, ['kv', 'x'], options);
  await world.settled(query.next(), 100);
  const start = clock.now();
  const error: unknown = await world.settled(query.next(), 60_000).catch((reason: unknown) => reason);
  expect(isClusterError(error, 'TIMEOUT')).toBe(true);
  const lastedMs = clock.now() - start;
  expect(lastedMs).toBeGreaterThanOrEqual(17_500);
  expect(lastedMs).toBeLessThan(17_700);
  // The first one is not held, so it has less time.
  const again = clock.now();
  await world.settled(query.next(), 60_000).catch(() => undefined);
  expect(clock.now() - again).toBeLessThan(700);
});

it('asks from the start at once when its connection is another, and fails when nobody is there', async () => {
  const gone = () => Promise.reject(new ClusterError('DISCONNECTED', 'another connection'));
  const script = [() => headers(40), gone, () => headers(5), () => headers(6), gone, gone];
  const scene = openScene((_, number) => (script[number - 1] ?? never)());
  using query = new BlockingQuery(scene.client, ['kv', 'x'], options);
  const outcomes: unknown[] = [];
  for (let asked = 0; asked < 4; asked += 1) {
    const answer = scene.world.settled(query.next(), 60_000);
    outcomes.push(
      await answer.then(
        ({ index }) => index,
        (error: unknown) => isClusterError(error) && error.code,
      ),
    );
  }
  expect(outcomes).toEqual([40, 5, 6, 'DISCONNECTED']);
  expect(askedWith(scene)).toEqual([undefined, '40', undefined, '5', '6', undefined]);
});

it('refuses an answer without an index', async () => {
  const { client } = openScene(() => ({ body: '[]' }));
  const error: unknown = await new BlockingQuery(client, ['kv', 'x'], options)
    .next()
    .catch((reason: unknown) => reason);
  expect(isClusterError(error, 'PROTOCOL')).toBe(true);
});

it('an index to ask with is never beyond what was told, and blocks unless it went back', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (asked, told) => {
      const next = followingIndex(asked, told);
      expect(next).toBe(told < asked ? 0 : Math.max(1, told));
    }),
  );
  expect(followingIndex(0, 0)).toBe(1);
});
