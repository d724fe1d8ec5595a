import { expect, it } from 'vitest';

import { anyOf, firstOf } from '../src/index.ts';
import { node, Scene } from './scene.ts';
import { Script } from './scripted-discovery.ts';

function scripts() {
  const one = new Script('one', { entries: [node('a', 2)] });
  const two = new Script('two', { entries: [node('b', 3)] });
  const options = { timeoutMs: 1_000, intervalMs: 2_000 };
  return { one, two, scene: new Scene(firstOf([one.plugin(), two.plugin()], options)) };
}

it('asks the next only when one fails, hangs or knows nobody', async () => {
  const { one, two, scene } = scripts();
  expect(await scene.ask()).toBe('a@2');
  expect(two.asked).toBe(0);
  one.state = 'broken';
  expect(await scene.ask()).toBe('b@3');
  one.state = 'stalled';
  expect(await scene.ask()).toBe('b@3');
  one.state = 'up';
  one.entries = [];
  expect(await scene.ask()).toBe('b@3');
  one.entries = [node('a', 2)];
  expect(await scene.ask()).toBe('a@2');
  const falls = scene.warnings.filter((warning) => warning.startsWith('firstOf'));
  expect(falls).toEqual(['firstOf(one, two): falling back to two: one is broken on purpose']);
});

it('tells nobody only when all said so', async () => {
  const { one, two, scene } = scripts();
  two.entries = [];
  one.state = 'broken';
  await expect(scene.ask()).rejects.toMatchObject({ code: 'IO', message: 'lookup: one is broken on purpose' });
  one.state = 'up';
  one.entries = [];
  expect(await scene.ask()).toBe('');
  two.state = 'stalled';
  await expect(scene.ask()).rejects.toMatchObject({ code: 'TIMEOUT' });
});

it('a fallback does not count as complete where it stands in for nodes told before', async () => {
  const { one, two, scene } = scripts();
  one.state = 'broken';
  scene.watch();
  await scene.world.run(100);
  expect(scene.told).toBe('b@3');
  one.state = 'up';
  await scene.world.run(3_000);
  expect(scene.told).toBe('a@2');
  one.state = 'broken';
  await scene.world.run(3_000);
  expect(scene.told).toBe('b@3 …');
  two.state = 'broken';
  await scene.world.run(30_000);
  expect(scene.told).toBe('b@3 …');
  one.state = 'up';
  await scene.world.run(40_000);
  expect(scene.told).toBe('a@2');
});

it('is as incomplete as the source that answers', async () => {
  const { one, scene } = scripts();
  one.complete = false;
  scene.watch();
  await scene.world.run(100);
  expect(scene.told).toBe('a@2 …');
});

it('ends a call that waits when the signal aborts, and asks no further source', async () => {
  const { one, two, scene } = scripts();
  one.state = 'stalled';
  const controller = new AbortController();
  scene.world.after(100, () => controller.abort());
  await expect(scene.ask(controller.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  await scene.world.run(5_000);
  expect(two.asked).toBe(0);
});

it('is a discovery like any other: a combination of combinations', async () => {
  const { one, two } = scripts();
  const three = new Script('three', { entries: [node('c', 4)] });
  const scene = new Scene(anyOf([firstOf([one.plugin(), two.plugin()]), three.plugin()]));
  one.state = 'broken';
  expect(await scene.ask()).toBe('b@3 c@4');
  await scene.discovery[Symbol.asyncDispose]();
});
