import { type ClusterContext, isClusterError, type Locks, settleWithin, silentLogger } from '@quorate/core';
import { consulEngine, type HttpAnswer, type HttpExchange, type HttpRequest } from '@quorate/engine-consul';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { consulLocks, type ConsulLocksOptions } from '../src/index.ts';

/** A Consul in which somebody holds every key. */
class HeldKeys implements HttpExchange {
  readonly paths: string[] = [];

  send(request: HttpRequest, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<HttpAnswer> {
    this.paths.push(request.path);
    return settleWithin<HttpAnswer>(options.signal, 'send', (resolve) => {
      const body = JSON.stringify([{ ModifyIndex: 7, Value: null, Session: 'a1' }]);
      if (!request.path.includes('index=')) resolve({ status: 200, headers: { 'x-consul-index': '7' }, body });
      return () => undefined;
    });
  }

  openLine() {
    return { send: this.send.bind(this), [Symbol.dispose]: () => undefined };
  }

  [Symbol.dispose](): void {
    this.paths.push('closed');
  }
}

interface Scene {
  readonly world: World;
  readonly exchange: HeldKeys;
  readonly locks: Locks;
}

async function openScene(options: ConsulLocksOptions = {}): Promise<Scene> {
  const world = createWorld({ seed: 'lock-consul' });
  const host = world.host('a');
  host.start(() => undefined);
  const exchange = new HeldKeys();
  const self = { id: 'a', host: 'a', port: 7000 };
  const cluster = { name: 'orders', id: undefined, adopt: () => undefined };
  const context = { ...host.system, logger: silentLogger, self, incarnation: 3, cluster } as unknown as ClusterContext;
  const locks = consulLocks({ ...options, engine: consulEngine({ exchange: () => exchange }) }).create(context);
  await locks.start();
  return { world, exchange, locks };
}

it('keeps a lock in a key of its name, and another name in another key', async () => {
  const keyOf = async (name: string, options: ConsulLocksOptions = {}): Promise<string> => {
    const { world, exchange, locks } = await openScene(options);
    expect(await world.settled(locks.tryLock(name), 60_000)).toBeUndefined();
    await world.settled(Promise.resolve(locks[Symbol.asyncDispose]()), 60_000);
    expect(exchange.paths.at(-1)).toBe('closed');
    const [, key = ''] = /^\/v1\/kv\/([^?]+)/u.exec(exchange.paths[0] ?? '') ?? [];
    return decodeURIComponent(key);
  };
  expect(await keyOf('invoice-42')).toBe('quorate/orders/locks/invoice-42/.lock');
  expect(await keyOf('eu/invoice-42', { prefix: 'pay' })).toBe('pay/eu/invoice-42/.lock');
  const names = ['a', 'a/', '/a', 'a//b', 'a/b', '.', '..', '%', '%25', '%2E', 'ä', '%C3%A4', 'a b'];
  const keys = await Promise.all(names.map((name) => keyOf(name, { prefix: 'p' })));
  expect(new Set(keys).size).toBe(names.length);
  // What a path can't hold on its way to Consul.
  for (const key of keys) expect(key).not.toMatch(/\/\/|\/\.\.?\//u);
});

it('refuses what Consul has no locks for', async () => {
  const { world, locks } = await openScene();
  for (const call of [
    () => locks.lock('x', { ttlMs: 60_001 }),
    () => locks.tryLock('x', { ttlMs: 60_001 }),
    () => locks.readLock('x'),
    () => locks.writeLock('x'),
    () => locks.semaphore('x', { permits: 2 }),
  ]) {
    const error: unknown = await world.settled(call(), 60_000).catch((reason: unknown) => reason);
    expect(isClusterError(error) && error.code).toMatch(/^(?:INVALID_OPTIONS|UNSUPPORTED)$/u);
  }
  await world.settled(Promise.resolve(locks[Symbol.asyncDispose]()), 60_000);
});
