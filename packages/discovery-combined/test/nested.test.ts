import { describe, expect, it } from 'vitest';

import { anyOf, type DiscoveryPlugin, firstOf } from '../src/index.ts';
import { node, Scene } from './scene.ts';
import { Script } from './scripted-discovery.ts';

const good = () => new Script('good', { entries: [node('a', 2)] }).plugin();
const spare = () => new Script('spare', { entries: [node('s', 9)] }).plugin();
const hanging = () => new Script('hanging', { state: 'stalled' }).plugin();

describe('a combination within a combination', () => {
  it.each<[string, DiscoveryPlugin, string]>([
    ['anyOf in firstOf', firstOf([anyOf([hanging(), good()]), spare()]), 'a@2'],
    ['firstOf in anyOf', anyOf([firstOf([hanging(), good()]), spare()]), 'a@2 s@9'],
    ['firstOf in firstOf', firstOf([firstOf([hanging(), good()]), spare()]), 'a@2'],
    ['two in one', firstOf([firstOf([anyOf([hanging()]), firstOf([hanging(), hanging(), good()])]), spare()]), 'a@2'],
  ])('has the time that its own sources may take: %s', async (_, plugin, expected) => {
    expect(await new Scene(plugin).ask()).toBe(expected);
  });

  it('has no more than that', async () => {
    const plugin = firstOf([anyOf([hanging()], { timeoutMs: 200 }), spare()], { timeoutMs: 100 });
    const scene = new Scene(plugin);
    const from = scene.world.now;
    expect(await scene.ask()).toBe('s@9');
    expect(scene.world.now - from).toBeLessThan(1_000);
  });
});

it('disposes of those that were made when one can not be made', async () => {
  const disposals: string[] = [];
  const made = ['one', 'two'].map((name) => new Script(name, { disposals }).plugin());
  const refusing: DiscoveryPlugin = {
    ...spare(),
    create: () => {
      throw new Error('no such place');
    },
  };
  expect(() => new Scene(anyOf([...made, refusing]))).toThrow('no such place');
  expect(disposals).toEqual(['two', 'one']);
});
