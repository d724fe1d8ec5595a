import { describe, expect, it } from 'vitest';
import { SwimWorld, type WorldOptions } from './swim-world.ts';

const SEEDS = [1, 2];

/** So many nodes that know each other. */
function formed(count: number, options: WorldOptions): SwimWorld {
  const world = new SwimWorld({ delayMs: [0.2, 2], exchangesEveryMs: 10_000, ...options });
  const { loss } = world;
  world.loss = 0;
  const names = Array.from({ length: count }, (_, at) => `n${at}`);
  for (const name of names) world.start(name);
  for (const name of names.slice(1)) {
    world.exchange(name, 'n0');
    world.run(100);
  }
  world.run(12_000);
  world.loss = loss;
  return world;
}

function states(world: SwimWorld, of: string): readonly (string | undefined)[] {
  return [...world.nodes.values()]
    .filter((node) => node.condition === 'well' && node.name !== of)
    .map((n) => n.sees(of));
}

describe('many nodes', () => {
  it.each(SEEDS)('all learn of each other, and of each death (seed %i)', (seed) => {
    const world = formed(20, { seed });
    for (const node of world.nodes.values()) expect(node.swim.size).toBe(20);
    world.node('n3').kill();
    world.node('n7').darken();
    world.run(20_000);
    expect(new Set(states(world, 'n3'))).toEqual(new Set(['unreachable']));
    expect(new Set(states(world, 'n7'))).toEqual(new Set(['unreachable']));
    for (const node of world.nodes.values()) if (node.condition === 'well') expect(node.swim.size).toBe(18);
  });

  it.each(SEEDS)('a tenth of the datagrams lost: nobody is given up (seed %i)', (seed) => {
    const world = formed(20, { seed, loss: 0.1 });
    const failed: string[] = [];
    world.onChange = (at, change) => {
      if (change.type === 'failed') failed.push(`${at.id}: ${change.member.id}`);
    };
    world.run(60_000);
    expect(failed).toEqual([]);
    for (const node of world.nodes.values()) expect(node.swim.size).toBe(20);
  });

  it.each(SEEDS)('nodes that stand still for some seconds come back (seed %i)', (seed) => {
    const world = formed(20, { seed });
    for (let at = 0; at < 10; at += 1) {
      world.node(`n${world.random.int(20)}`).stall(500 + world.random.int(4500));
      world.run(2000);
    }
    world.run(20_000);
    for (const node of world.nodes.values()) expect(node.swim.size).toBe(20);
  });
});
