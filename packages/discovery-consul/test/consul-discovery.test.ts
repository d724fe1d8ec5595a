import {
  type CallOptions,
  type Clock,
  type ClusterContext,
  type DiscoverySnapshot,
  type IClusterDiscovery,
  isClusterError,
  silentLogger,
} from '@quorate/core';
import { consulEngine } from '@quorate/engine-consul';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { consulDiscovery, type ConsulDiscoveryOptions } from '../src/index.ts';
import { entryOf, FakeConsul } from './fake-consul.ts';

interface Scene {
  /** Timers that are still to fire. */
  readonly timers: Set<object>;
  readonly world: World;
  readonly consul: FakeConsul;
  readonly discovery: IClusterDiscovery;
  /** What was logged, as `warn …`. */
  readonly lines: string[];
}

const NODE = { id: 'a', host: '10.9.0.1', port: 7_001 };
const ID = 'quorate:test:a';

function open(options: ConsulDiscoveryOptions = {}, token?: () => string): Scene {
  const world = createWorld({ seed: 'discovery-consul' });
  const host = world.host('a');
  host.start(() => undefined);
  const consul = new FakeConsul();
  const lines: string[] = [];
  const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = { ...silentLogger, info: note('info'), warn: note('warn') };
  const cluster = { name: 'test', id: undefined, adopt: () => undefined };
  const timers = new Set<object>();
  const context = {
    ...host.system,
    clock: counted(host.system.clock, timers),
    logger,
    self: NODE,
    cluster,
  } as unknown as ClusterContext;
  const engine = consulEngine({ exchange: consul.exchange, ...(token === undefined ? {} : { token }) });
  return { timers, world, consul, lines, discovery: consulDiscovery({ engine, ...options }).create(context) };
}

function counted(clock: Clock, timers: Set<object>): Clock {
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const timer = clock.setTimer(delayMs, () => {
      timers.delete(timer);
      callback();
    });
    timers.add(timer);
    return {
      cancel: () => {
        timers.delete(timer);
        timer.cancel();
      },
    };
  };
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    defer: (callback) => clock.defer(callback),
    setTimer,
  };
}

async function failure(
  { world }: Scene,
  call: Promise<unknown>,
): Promise<{ code: string; message: string; outcome: unknown }> {
  const error: unknown = await world.settled(
    call.then(() => undefined).catch((reason: unknown) => reason),
    60_000,
  );
  if (!isClusterError(error)) throw new Error(`expected a failure, got ${String(error)}`);
  return { code: error.code, message: error.message, outcome: error.outcome };
}

function watch({ discovery }: Scene): DiscoverySnapshot[] {
  const told: DiscoverySnapshot[] = [];
  const read = async () => {
    for await (const snapshot of discovery.watch()) told.push(snapshot);
  };
  void read();
  return told;
}

it('sends three signs of life in each time to live, and registers again what was forgotten', async () => {
  const scene = open({ ttlMs: 9_000 });
  const { world, consul, discovery, lines } = scene;
  await world.settled(discovery.registerNode(NODE), 1_000);
  expect(consul.services.get(ID)).toMatchObject({
    Address: '10.9.0.1',
    Port: 7_001,
    Check: { TTL: '9000ms', Status: 'passing', DeregisterCriticalServiceAfter: '60000ms' },
  });
  await world.run(27_500);
  expect(consul.told.length).toBeGreaterThanOrEqual(10);
  expect(new Set(consul.told.slice(1))).toEqual(new Set([`pass service:${ID}`]));
  consul.forget();
  await world.run(3_100);
  expect(consul.told.slice(-2)).toEqual([`pass service:${ID}`, `register ${ID}`]);
  expect(lines).toEqual([
    expect.stringContaining(
      `info discovery-consul http://127.0.0.1:8500 quorate: ${ID} is registered again: the agent had forgotten it`,
    ),
  ]);
  await world.settled(discovery.unregisterNode('a'), 1_000);
  const count = consul.told.length;
  await world.run(30_000);
  expect(consul.told.length).toBe(count);
  expect(consul.services.size).toBe(0);
});

it('does not register again what the agent has forgotten, only to deregister it', async () => {
  const { world, consul, discovery } = open();
  await world.settled(discovery.registerNode(NODE), 1_000);
  consul.forget();
  await world.settled(discovery.unregisterNode('a'), 1_000);
  expect(consul.told).toEqual([`register ${ID}`, `pass service:${ID}`, `deregister ${ID}`]);
});

it('reports once that signs of life fail, tries on, and says when they go through again', async () => {
  const { world, consul, discovery, lines } = open({ ttlMs: 3_000 });
  await world.settled(discovery.registerNode(NODE), 1_000);
  consul.state = 'broken';
  await world.run(60_000);
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  consul.state = 'up';
  const count = consul.told.length;
  await world.run(1_001);
  expect(consul.told.length).toBeGreaterThan(count);
  expect(lines.at(-1)).toContain('is kept registered again');
  await discovery[Symbol.asyncDispose]();
});

it('tells the agent everything again when the token is another one', async () => {
  let token = 'one';
  const { world, consul, discovery } = open({ ttlMs: 3_000 }, () => token);
  await world.settled(discovery.registerNode(NODE), 1_000);
  token = 'two';
  await world.run(1_100);
  expect(consul.told.slice(1, 3)).toEqual([`pass service:${ID}`, `register ${ID}`]);
  token = 'three';
  await world.settled(discovery.unregisterNode('a'), 1_000);
  expect(consul.told.slice(-3)).toEqual([`pass service:${ID}`, `register ${ID}`, `deregister ${ID}`]);
});

it('says so when the agent was told and the catalog does not hear of it', async () => {
  const scene = open({ timeoutMs: 1_000 });
  scene.consul.writesCatalog = false;
  const error = await failure(scene, scene.discovery.registerNode(NODE));
  expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  expect(error.message).toContain(
    `${ID} is not yet in the catalog after 800 ms. Has the token service:write and node:read?`,
  );
  // It is kept all the same: the catalog may hear of it later.
  scene.consul.writesCatalog = true;
  scene.consul.changed();
  await scene.world.settled(scene.discovery.registerNode(NODE), 1_000);
  await scene.discovery[Symbol.asyncDispose]();
});

it('keeps the former registration alive while a new one fails', async () => {
  const scene = open({ ttlMs: 3_000 });
  const { world, consul, discovery } = scene;
  await world.settled(discovery.registerNode(NODE), 1_000);
  consul.state = 'broken';
  expect((await failure(scene, discovery.registerNode({ ...NODE, port: 7_002 }))).code).toBe('DISCONNECTED');
  consul.state = 'up';
  consul.told.length = 0;
  await world.run(3_000);
  expect(consul.told[0]).toBe(`pass service:${ID}`);
  await world.settled(discovery.registerNode({ ...NODE, port: 7_002 }), 1_000);
  expect(consul.services.get(ID)).toMatchObject({ Port: 7_002 });
  await discovery[Symbol.asyncDispose]();
});

it('registrations and deregistrations take turns, and the last one counts', async () => {
  const { world, consul, discovery } = open();
  const calls = [7_001, 7_002, 7_003].map((port) => discovery.registerNode({ ...NODE, port }));
  await world.settled(Promise.all(calls), 5_000);
  expect(consul.services.get(ID)).toMatchObject({ Port: 7_003 });
  const last = [discovery.registerNode(NODE), discovery.unregisterNode('a')];
  await world.settled(Promise.all(last), 5_000);
  expect(consul.services.size).toBe(0);
  await world.run(60_000);
  expect(consul.services.size).toBe(0);
});

it('an empty answer for want of rights is a failure, whoever tells of the want', async () => {
  const scene = open();
  const { world, consul, discovery } = scene;
  expect(await world.settled(discovery.discoverNodes(), 100)).toEqual([]);
  consul.denied = ['node'];
  const asked = await failure(scene, discovery.discoverNodes());
  expect(asked).toMatchObject({ code: 'REFUSED' });
  expect(asked.message).toContain('the token may see no instance of quorate: it lacks node:read');
  consul.denied = [];
  expect(await world.settled(discovery.discoverNodes(), 100)).toEqual([]);
  consul.filtered = true;
  expect(await failure(scene, discovery.discoverNodes())).toMatchObject({ code: 'REFUSED' });
});

it('an answer from which Consul left something out is not complete', async () => {
  const scene = open();
  const { world, consul } = scene;
  consul.entries = [entryOf({ ...NODE, id: 'b' })];
  consul.filtered = true;
  const told = watch(scene);
  await world.run(1_000);
  expect(told).toMatchObject([{ complete: false, revision: '10', nodes: [{ id: 'b' }] }]);
  consul.filtered = false;
  consul.changed();
  await world.run(1_000);
  expect(told[1]).toMatchObject({ complete: true, revision: '11' });
  await scene.discovery[Symbol.asyncDispose]();
});

it('an answer that suddenly names nobody is reported, and takes nobody away', async () => {
  const scene = open();
  const { world, consul, lines } = scene;
  consul.entries = [entryOf({ ...NODE, id: 'b' })];
  const told = watch(scene);
  await world.run(1_000);
  consul.entries = [];
  consul.changed();
  await world.run(1_000);
  expect(told).toHaveLength(1);
  expect(lines.join()).toContain('it answered with nobody; keeping 1 nodes');
  consul.entries = [entryOf({ ...NODE, id: 'c' })];
  // As from a Consul that was restored: below what was asked for.
  consul.changed(2);
  await world.run(40_000);
  expect(told.at(-1)?.nodes.map(({ id }) => id)).toEqual(['c']);
  await scene.discovery[Symbol.asyncDispose]();
});

it('an id at two addresses is reported once', async () => {
  const { world, consul, discovery, lines } = open();
  consul.entries = ['10.9.0.7', '10.9.0.8'].map((host) => entryOf({ id: 'b', host, port: 7_001 }));
  for (let asked = 0; asked < 3; asked += 1) await world.settled(discovery.discoverNodes(), 100);
  expect(lines).toEqual([expect.stringContaining('registered anew elsewhere, and left out: b@10.9.0.8:7001')]);
});

it('what a key holds that nobody can have claimed is refused', async () => {
  const scene = open();
  const key = 'quorate/test/charter';
  const ask = async () => await scene.discovery.claim?.(undefined);
  for (const value of [7, undefined, 'no base64!', {}]) {
    scene.consul.keys.set(key, value);
    expect(await failure(scene, ask())).toMatchObject({ code: 'PROTOCOL' });
  }
  scene.consul.keys.set(key, null);
  expect(await scene.world.settled(ask(), 100)).toEqual(new Uint8Array());
});

it('sends no sign of life once it is disposed of, and leaves no timer', async () => {
  const { world, consul, discovery, timers, lines } = open({ ttlMs: 3_000 });
  await world.settled(discovery.registerNode(NODE), 1_000);
  await world.run(5_000);
  expect(timers.size).toBeGreaterThan(0);
  await discovery[Symbol.asyncDispose]();
  expect(timers.size).toBe(0);
  const count = consul.told.length;
  await world.run(10_000);
  expect(consul.told.length).toBe(count);
  expect(consul.services.has(ID)).toBe(true);
  expect(lines).toEqual([]);
});

it('a claim ends like every other call', async () => {
  const scene = open({ timeoutMs: 1_000 });
  const { consul, discovery } = scene;
  const claim = (options: CallOptions = {}) => discovery.claim?.(new Uint8Array([1]), options) ?? Promise.resolve();
  consul.state = 'stalled';
  expect((await failure(scene, claim())).code).toBe('TIMEOUT');
  expect((await failure(scene, claim({ signal: AbortSignal.abort() }))).code).toBe('ABORTED');
  const controller = new AbortController();
  const aborted = failure(scene, claim({ signal: controller.signal }));
  controller.abort();
  expect((await aborted).code).toBe('ABORTED');
  const closed = failure(scene, claim());
  await discovery[Symbol.asyncDispose]();
  expect((await closed).code).toBe('CLOSED');
  expect((await failure(scene, claim())).code).toBe('CLOSED');
  expect(consul.keys.size).toBe(0);
});

it('without registration it refuses to register', async () => {
  const scene = open({ register: false });
  expect(scene.discovery.supports.registration).toBe(false);
  expect((await failure(scene, scene.discovery.registerNode(NODE))).code).toBe('UNSUPPORTED');
  expect((await failure(scene, scene.discovery.unregisterNode('a'))).code).toBe('UNSUPPORTED');
  expect(scene.consul.told).toEqual([]);
});
