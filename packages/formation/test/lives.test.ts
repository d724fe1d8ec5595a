import { seededRandom } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { FormingWorld } from './forming-world.ts';

const LIVES = 120;
const EVENTS = 40;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** A source that is slow, fails, knows only some, or says something else to each; nodes that crash; networks that part. */
async function live(seed: string): Promise<FormingWorld> {
  const random = seededRandom(seed, 'life');
  const names = NAMES.slice(0, 3 + random.int(3));
  // More than half of all: two sets of so many share a node.
  const least = Math.floor(names.length / 2) + 1;
  const expectedNodes = least + random.int(names.length - least + 1);
  const options = { expectedNodes, marginMs: random.int(400), lookEveryMs: 20 + random.int(200) };
  const forming = new FormingWorld(seed, names, options);
  const hosts = (which: readonly string[]) => which.map((name) => forming.host(name));
  const part = () => {
    const side = names.filter(() => random.int(2) === 0);
    forming.world.partition(hosts(side), hosts(names.filter((name) => !side.includes(name))));
    // Each side is told of itself alone, as by a registry of its own.
    for (const name of names)
      forming.views.set(name, { names: names.filter((other) => side.includes(name) === side.includes(other)) });
  };
  const act = (name: string) => {
    const { running } = forming.host(name);
    switch (random.int(7)) {
      case 0:
      case 1:
        if (running) forming.host(name).crash({ powerLoss: random.int(2) === 0 });
        return;
      case 2:
        return part();
      case 3:
        forming.world.heal();
        return forming.views.clear();
      case 4:
        forming.views.set(name, { names: [name], fails: random.int(2) === 0, delayMs: random.int(3) * 300 });
        return;
      default:
        if (!running) forming.start(name);
    }
  };
  part();
  for (const name of names) forming.start(name);
  for (let event = 0; event < EVENTS; event += 1) {
    // Now and then in the midst of what the last event has led to.
    await forming.world.run(random.int(2) === 0 ? random.int(12) : random.int(1_200));
    act(names[random.int(names.length)] as string);
  }
  forming.world.heal();
  forming.views.clear();
  for (const name of names) if (!forming.host(name).running) forming.start(name);
  await forming.world.runUntil(() => forming.isFormed(), 300_000);
  return forming;
}

describe('whatever a source says', () => {
  it.each(Array.from({ length: LIVES }, (_, seed) => `life ${seed}`))('%s: there is one cluster', async (seed) => {
    const forming = await live(seed);
    expect(forming.clusterIds.size).toBe(1);
    const [first] = [...forming.charters.values()].flat();
    for (const charter of [...forming.charters.values()].flat()) expect(charter).toEqual(first);
  });
});
