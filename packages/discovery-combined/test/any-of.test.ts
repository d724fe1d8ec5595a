import { type ClusterContext, ClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import { anyOf } from '../src/index.ts';
import { node, Scene } from './scene.ts';
import { Script } from './scripted-discovery.ts';

const SELF = { id: 'me', host: '10.0.0.1', port: 7000 };

function scripts() {
  const disposals: string[] = [];
  const one = new Script('one', { entries: [node('a', 2)], disposals });
  const two = new Script('two', { entries: [node('b', 3)], disposals });
  return { one, two, disposals, scene: new Scene(anyOf([one.plugin(), two.plugin()], { timeoutMs: 1_000 })) };
}

it('tells each address once, with the id that one of them knows, and not the node itself', async () => {
  const { one, two, scene } = scripts();
  one.entries = [node(undefined, 2), node('b', 3), node(undefined, 1)];
  two.entries = [node('a', 2), node('b', 3), node('b', 4), node('me', 9)];
  expect(await scene.ask()).toBe('a@2 b@3 b@4');
});

it('goes on without those that fail or hang, and with what they told before', async () => {
  const { one, two, scene } = scripts();
  one.state = 'stalled';
  expect(await scene.ask()).toBe('b@3');
  expect(scene.world.now).toBeCloseTo(1_000, -2);
  one.state = 'up';
  expect(await scene.ask()).toBe('a@2 b@3');
  one.state = 'broken';
  two.entries = [node('c', 4)];
  expect(await scene.ask()).toBe('a@2 c@4');
  expect(scene.warnings.join()).toMatch(/anyOf\(one, two\): going on without one is broken on purpose/u);
});

it('rejects when all fail, or when nobody is known and one failed', async () => {
  const { one, two, scene } = scripts();
  one.state = 'broken';
  two.entries = [];
  await expect(scene.ask()).rejects.toMatchObject({ code: 'IO', message: 'lookup: one is broken on purpose' });
  two.state = 'stalled';
  await expect(scene.ask()).rejects.toMatchObject({
    code: 'IO',
    message: expect.stringMatching(/one is broken.*two: lookup: no answer/u),
  });
  one.state = 'stalled';
  await expect(scene.ask()).rejects.toMatchObject({ code: 'TIMEOUT' });
});

it('keeps what a source told before it knew nobody', async () => {
  const { one, scene } = scripts();
  await scene.ask();
  one.entries = [];
  expect(await scene.ask()).toBe('a@2 b@3');
});

it('watches on while one fails, is incomplete until each has told, and as long as one is', async () => {
  const { one, two, scene } = scripts();
  one.state = 'stalled';
  scene.watch();
  await scene.world.run(100);
  expect(scene.told).toBe('b@3 …');
  one.state = 'up';
  await scene.world.run(70_000);
  expect(scene.told).toBe('a@2 b@3');
  one.state = 'broken';
  two.entries = [node('b', 5)];
  await scene.world.run(2_000);
  expect(scene.told).toBe('a@2 b@5');
  two.entries = [];
  await scene.world.run(2_000);
  expect(scene.told).toBe('a@2 b@5');
  one.state = 'up';
  one.complete = false;
  await scene.world.run(40_000);
  expect(scene.told).toBe('a@2 b@5 …');
});

it('says nothing of the first that knows nobody while another has not answered', async () => {
  const { one, two, scene } = scripts();
  one.entries = [];
  two.delayMs = 800;
  scene.watch();
  await scene.world.run(500);
  expect(scene.told).toBeUndefined();
  await scene.world.run(500);
  expect(scene.told).toBe('b@3');
  expect(scene.snapshots).toHaveLength(1);
});

it('watches a source again whose watch ends or fails', async () => {
  const one = new Script('one', { entries: [node('a', 2)] });
  const plugin = one.plugin();
  let watches = 0;
  const fickle = {
    ...plugin,
    create: (context: Parameters<typeof plugin.create>[0]) => {
      const discovery = plugin.create(context);
      const watch: typeof discovery.watch = (options) => {
        watches += 1;
        if (watches === 1) throw new ClusterError('IO', 'not now');
        return discovery.watch(watches === 2 ? { signal: AbortSignal.abort() } : options);
      };
      return Object.assign(discovery, { watch: watch.bind(discovery) });
    },
  };
  const scene = new Scene(anyOf([fickle]));
  // The adapter's own `watch` is hidden by the fickle one.
  scene.watch();
  await scene.world.run(20_000);
  expect(watches).toBeGreaterThan(2);
});

it('registers with all that support it, whoever else fails, and says which did', async () => {
  const disposals: string[] = [];
  const [one, two, three] = ['one', 'two', 'three'].map(
    (name) => new Script(name, { registration: name !== 'one', disposals }),
  ) as [Script, Script, Script];
  const { world, discovery } = new Scene(anyOf([one.plugin(), two.plugin(), three.plugin()], { timeoutMs: 1_000 }));
  expect(discovery.supports).toEqual({ registration: true, watch: 'poll', createIfAbsent: false });
  two.state = 'broken';
  const registering = world.settled(discovery.registerNode(SELF), 10_000);
  await expect(registering).rejects.toMatchObject({ code: 'IO', message: 'register: two is broken on purpose' });
  expect([one, two, three].map(({ registered }) => registered.size)).toEqual([0, 0, 1]);
  two.state = 'up';
  await world.settled(discovery.registerNode(SELF), 10_000);
  expect(two.registered.get('me')).toEqual(SELF);
  three.state = 'stalled';
  const leaving = world.settled(discovery.unregisterNode('me'), 10_000);
  await expect(leaving).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(two.registered.size).toBe(0);
});

it('leaves it to the one source that can to decide who forms a cluster', async () => {
  const claiming = (value: number) => {
    const plugin = new Script(`claims ${value}`).plugin();
    const claim = () => Promise.resolve(Uint8Array.of(value));
    return { ...plugin, create: (context: ClusterContext) => Object.assign(plugin.create(context), { claim }) };
  };
  const plain = new Script('plain').plugin();
  const one = new Scene(anyOf([plain, claiming(7)]));
  expect(one.discovery.supports.createIfAbsent).toBe(true);
  expect(await one.discovery.claim?.(undefined)).toEqual(Uint8Array.of(7));
  const two = new Scene(anyOf([claiming(7), claiming(8)]));
  expect(two.discovery.supports.createIfAbsent).toBe(false);
  expect(two.discovery).toHaveProperty('claim', undefined);
});

it('has no registration where no source has', async () => {
  const { world, discovery } = scripts().scene;
  expect(discovery.supports.registration).toBe(false);
  await expect(world.settled(discovery.registerNode(SELF), 1_000)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

it('disposes of the last made first, of all whatever one does, and asks none afterwards', async () => {
  const { one, two, disposals, scene } = scripts();
  two.disposal = 'fails';
  scene.watch();
  await scene.world.run(10);
  const closing = scene.discovery[Symbol.asyncDispose]();
  await expect(scene.world.settled(Promise.resolve(closing), 1_000)).rejects.toMatchObject({ code: 'IO' });
  expect(disposals).toEqual(['two', 'one']);
  const { asked } = one;
  await scene.world.run(60_000);
  expect(one.asked).toBe(asked);
});

it('ends a call that waits when the signal aborts, at the sources too', async () => {
  const { one, two, scene } = scripts();
  one.delayMs = two.delayMs = 900;
  const controller = new AbortController();
  scene.world.after(100, () => controller.abort());
  await expect(scene.ask(controller.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  expect(scene.world.now).toBeLessThan(200);
});

it('refuses and requires what its parts do', () => {
  const plugin = new Script('one').plugin();
  const refusing = {
    ...plugin,
    requires: ['log'] as const,
    check: () => {
      throw new ClusterError('INVALID_OPTIONS', 'not here');
    },
  };
  const combined = anyOf([plugin, refusing]);
  expect(combined.requires).toEqual(['log']);
  expect(() => combined.check?.({} as never)).toThrow('not here');
});
