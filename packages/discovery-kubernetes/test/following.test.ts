import { type ClusterContext, type DiscoveredNode, type IClusterDiscovery, silentLogger, sleep } from '@quorate/core';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { kubernetesDiscovery, type KubernetesDiscoveryOptions } from '../src/index.ts';
import { FakeKubernetes, rawSlice, sliceOf } from './fake-kubernetes.ts';

const NODES = [1, 2, 3, 4, 5].map((n) => ({ id: `web-${n}`, host: `10.0.0.${n}`, port: 7000 }));

interface Scene {
  readonly api: FakeKubernetes;
  readonly discovery: IClusterDiscovery;
  /** What the watch has told, the ids of each. */
  readonly told: string[];
  readonly lines: string[];
  readonly pass: (ms: number) => Promise<void>;
}

/** Plays a scene whose watch has begun. */
function play(body: (scene: Scene) => Promise<void>, options: Partial<KubernetesDiscoveryOptions> = {}): Promise<void> {
  const world: World = createWorld({ seed: 'kubernetes' });
  const host = world.host('me');
  host.start(() => undefined);
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  const logger = { ...silentLogger, warn: note };
  const self = { id: 'me', host: '10.0.0.100', port: 7000 };
  const { clock } = host.system;
  const api = new FakeKubernetes(clock);
  const engine = kubernetesEngine({ http: api.http });
  const plugin = kubernetesDiscovery({ engine, service: 'web', ...options });
  const discovery = plugin.create({ ...host.system, logger, self } as unknown as ClusterContext);
  const told: string[] = [];
  const follow = async () => {
    for await (const { nodes } of discovery.watch()) told.push(idsOf(nodes));
  };
  const run = async () => {
    api.put(NODES.map(sliceOf));
    const following = follow();
    await body({ api, discovery, told, lines, pass: (ms) => sleep(clock, ms) });
    await discovery[Symbol.asyncDispose]();
    await following;
  };
  return world.settled(run(), 3_600_000);
}

function idsOf(nodes: readonly DiscoveredNode[]): string {
  return nodes.map(({ id }) => id ?? '?').join(' ');
}

it('lists page by page, then lives on watches that are renewed where they ended', () =>
  play(async ({ api, told, pass }) => {
    await pass(200_000);
    expect(told).toEqual(['web-1 web-2 web-3 web-4 web-5']);
    api.put(NODES.slice(1).map(sliceOf));
    await pass(150);
    expect(told.at(-1)).toBe('web-2 web-3 web-4 web-5');
    await pass(200_000);
    expect(api.lists).toBe(1);
  }));

it('tells a burst of changes as one', () =>
  play(async ({ api, told, pass }) => {
    await pass(10);
    for (const count of [4, 3, 2, 1]) {
      api.put(NODES.slice(0, count).map(sliceOf));
      await pass(10);
    }
    await pass(100);
    expect(told).toEqual(['web-1 web-2 web-3 web-4 web-5', 'web-1']);
  }));

it('lists again when the version of the watch has been forgotten', () =>
  play(async ({ api, told, lines, pass }) => {
    await pass(10);
    api.break();
    api.put(NODES.slice(2).map(sliceOf));
    api.forget();
    api.state = 'up';
    await pass(3_000);
    expect(told.at(-1)).toBe('web-3 web-4 web-5');
    api.say({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } });
    const before = lines.length;
    await pass(10);
    expect([api.lists, lines.length - before]).toEqual([3, 0]);
  }));

it('keeps a pause between lists when the server forgets at once whatever it says', () =>
  play(async ({ api, lines, pass }) => {
    const storm = async () => {
      for (let n = 0; n < 600; n += 1) {
        api.forget();
        api.say({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
        await pass(100);
      }
    };
    await storm();
    expect(api.lists).toBeLessThan(20);
    expect(lines.some((line) => line.includes('410 Expired'))).toBe(true);
  }));

it.each<[string, unknown]>([
  ['no event', 'text'],
  ['an event of no object', { type: 'ADDED', object: null }],
  ['an object without a version', { type: 'MODIFIED', object: { metadata: { name: 'web-9' } } }],
  ['an event of no type', { type: 'WHATEVER', object: { metadata: { name: 'web-9', resourceVersion: '1' } } }],
  ['an error', { type: 'ERROR', object: { code: 500, message: 'etcd is gone' } }],
])('lists again after %s', (_, event) =>
  play(async ({ api, told, lines, pass }) => {
    await pass(10);
    api.say(event);
    await pass(3_000);
    expect([api.lists, lines.length]).toEqual([2, 1]);
    api.put(NODES.slice(3).map(sliceOf));
    await pass(150);
    expect(told.at(-1)).toBe('web-4 web-5');
  }),
);

it('notices within the life of a watch and its deadline that the server has gone silent, and says so', () =>
  play(
    async ({ api, told, lines, pass }) => {
      await pass(10);
      api.state = 'stalled';
      api.put(NODES.slice(4).map(sliceOf));
      await pass(20_000);
      expect(lines[0]).toMatch(/silent for too long|no answer within/u);
      api.state = 'up';
      await pass(10_000);
      expect(told.at(-1)).toBe('web-5');
    },
    { watchMs: 10_000, timeoutMs: 2_000 },
  ));

it('keeps whom it knows when a service has no endpoints any more, and its age shows', () =>
  play(async ({ api, discovery, told, lines, pass }) => {
    await pass(70_000);
    const known = discovery.lastGood;
    // As old as the last watch that ended well, not as the last change.
    expect(known?.observedAt).toBeGreaterThan(50_000);
    api.put([]);
    await pass(200);
    expect(told).toHaveLength(1);
    expect(lines.join()).toMatch(/answered with nobody; keeping 5 nodes/u);
    expect(await discovery.discoverNodes()).toEqual([]);
  }));

it('reports a broken slice by name, once, and says that its answer is not all', () =>
  play(async ({ api, discovery, told, lines, pass }) => {
    await pass(10);
    api.put([...NODES.map(sliceOf), rawSlice('broken', [{ addresses: ['10.0.0.9'] }], [])]);
    await pass(200_000);
    expect(lines).toEqual(['discovery-kubernetes web: slice broken: it has no port with a number']);
    expect(told).toEqual(Array.from({ length: 2 }, () => 'web-1 web-2 web-3 web-4 web-5'));
    expect(discovery.lastGood?.complete).toBe(false);
  }));

it('leaves this node out by its address, where its pod has another name', () =>
  play(async ({ api, told, pass }) => {
    api.put([...NODES.slice(3), { id: 'web-0', host: '10.0.0.100', port: 7000 }].map(sliceOf));
    await pass(200);
    expect(told.at(-1)).toBe('web-4 web-5');
  }));
