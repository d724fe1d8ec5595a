import { memoryRegistry } from '@quorate/memory';
import { describe, expect, it } from 'vitest';

import { clusterFormation } from '../src/index.ts';
import { FormingWorld } from './forming-world.ts';

const THREE = ['a', 'b', 'c'];
const options = { expectedNodes: 3, marginMs: 2_000, lookEveryMs: 500 };

describe('nodes that agree', () => {
  it('form one cluster of those with the lowest ids, and others join it', async () => {
    const forming = new FormingWorld('agree', ['a', 'b', 'c', 'd'], options);
    for (const name of forming.names) forming.start(name);
    await forming.world.runUntil(() => forming.isFormed(), 60_000);
    expect(forming.clusterIds.size).toBe(1);
    for (const [charter] of forming.charters.values()) expect(charter?.founders).toEqual(THREE);
  });

  it('wait until the expected number is there, and has been for a while', async () => {
    const forming = new FormingWorld('wait', THREE, options);
    forming.start('a');
    forming.start('b');
    await forming.world.run(120_000);
    expect(forming.clusterIds.size).toBe(0);
    const before = forming.world.now;
    forming.start('c');
    await forming.world.runUntil(() => forming.isFormed(), 60_000);
    expect(forming.world.now - before).toBeGreaterThan(options.marginMs);
    expect(forming.clusterIds.size).toBe(1);
  });

  it('form none while a node that is named does not answer', async () => {
    const forming = new FormingWorld('silent', ['a', 'b', 'c', 'd'], options);
    for (const name of THREE) forming.start(name);
    await forming.world.run(60_000);
    expect(forming.clusterIds.size).toBe(0);
    for (const name of THREE) forming.views.set(name, { names: THREE });
    await forming.world.runUntil(() => forming.isFormed(THREE), 60_000);
    expect(forming.clusterIds.size).toBe(1);
  });

  it('remember it, and tell one that has lost its disk', async () => {
    const forming = new FormingWorld('remember', THREE, options);
    for (const name of THREE) forming.start(name);
    await forming.world.runUntil(() => forming.isFormed(), 60_000);
    for (const name of THREE) forming.host(name).crash();
    forming.wipe('c');
    for (const name of THREE) forming.start(name);
    await forming.world.runUntil(() => [...forming.charters.values()].every(({ length }) => length === 2), 60_000);
    expect(forming.clusterIds.size).toBe(1);
  });

  it('form none where they may not', async () => {
    const forming = new FormingWorld('apart', THREE, options);
    for (const name of THREE) forming.start(name, { mayForm: false });
    await forming.world.run(120_000);
    expect(forming.clusterIds.size).toBe(0);
  });

  it('form none where one of them belongs to another', async () => {
    const forming = new FormingWorld('another', THREE, options);
    await forming.belong('b', 'old');
    for (const name of THREE) forming.start(name);
    await forming.world.run(60_000);
    expect(forming.clusterIds.size).toBe(0);
    for (const name of THREE) {
      forming.host(name).crash();
      expect(await forming.hasAccepted(name), name).toBe(false);
    }
  });

  it('form one alone where one is expected', async () => {
    const forming = new FormingWorld('alone', ['a'], { ...options, expectedNodes: 1 });
    forming.start('a');
    await forming.world.runUntil(() => forming.isFormed(), 10_000);
    expect(forming.charters.get('a')?.[0]?.founders).toEqual(['a']);
  });
});

describe('nodes whose source creates what is absent', () => {
  it('form one cluster, in halves that see nothing of each other', async () => {
    const registry = memoryRegistry();
    const halves = [
      ['a', 'b'],
      ['c', 'd'],
    ] as const;
    const forming = new FormingWorld('claim', halves.flat(), { ...options, expectedNodes: 2 }, registry);
    const hostsOf = (names: readonly string[]) => names.map((name) => forming.host(name));
    forming.world.partition(hostsOf(halves[0]), hostsOf(halves[1]));
    for (const name of forming.names) forming.start(name);
    await forming.world.runUntil(() => forming.isFormed(), 60_000);
    expect(forming.clusterIds.size).toBe(1);
    expect(registry.claimed).toBeDefined();
  });

  it('do not wait for ever for one that the source does not answer', async () => {
    const forming = new FormingWorld('unserved', THREE, options, memoryRegistry());
    forming.unserved.add('a');
    for (const name of THREE) forming.start(name);
    await forming.world.runUntil(() => forming.isFormed(['b', 'c']), 60_000);
    // It is told by the others.
    await forming.world.runUntil(() => forming.isFormed(), 60_000);
    expect(forming.clusterIds.size).toBe(1);
    expect(forming.charters.get('b')?.[0]?.founders).toEqual(THREE);
  });

  it('claim none where they belong to one', async () => {
    const registry = memoryRegistry();
    const forming = new FormingWorld('belong', THREE, options, registry);
    await forming.belong('a', 'old');
    for (const name of THREE) forming.start(name);
    await forming.world.run(60_000);
    expect(forming.clusterIds.size).toBe(0);
    expect(registry.claimed).toBeUndefined();
  });
});

it.each([
  [{}, 'expectedNodes'],
  [{ expectedNodes: 0 }, 'expectedNodes'],
  [{ expectedNodes: 3, marginMs: -1 }, 'marginMs'],
  [{ expectedNodes: 3, lookEveryMs: 1 }, 'lookEveryMs'],
  [{ expectedNodes: 3, mayForm: 'never' }, 'mayForm'],
])('%o is refused', (given, name) => {
  expect(() => clusterFormation(given as never)).toThrow(name);
});
