import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/protocol/messages.ts';
import { SwimWorld } from './swim-world.ts';

const HIGHEST = 2 ** 48;
const VERSIONS = [
  { epoch: HIGHEST, run: 1, refutation: 0 },
  { epoch: HIGHEST, run: 2, refutation: 0 },
  { epoch: HIGHEST - 1, run: 2, refutation: HIGHEST },
  { epoch: 1000, run: 2, refutation: HIGHEST },
  { epoch: 0, run: 1, refutation: HIGHEST - 1 },
  { epoch: 0, run: 1, refutation: HIGHEST },
];

/** `b` says so of `c` to both others. */
function worldWhereItIsSaid(message: Message): SwimWorld {
  const world = new SwimWorld();
  world.form('a', 'b', 'c');
  const { address } = world.node('b');
  for (const name of ['a', 'c']) {
    world.node(name).swim.receive({ sender: 'b', run: 1, messages: [message] }, address, world.now);
  }
  return world;
}

function seen(world: SwimWorld): readonly unknown[] {
  return ['a', 'b', 'c'].map((name) => world.node(name).swim.members.get('c')?.state);
}

describe('whatever the version that a living node is accused in', () => {
  it.each(VERSIONS)('it says otherwise, and can describe itself anew: %o', (version) => {
    const accused = { id: 'c', ...version, by: 'b', evidence: 'silent' } as const;
    for (const message of [
      { type: 'suspect', ...accused },
      { type: 'unreachable', ...accused },
      { type: 'left', id: 'c', ...version },
    ] as const) {
      const world = worldWhereItIsSaid(message);
      world.run(15_000);
      expect(seen(world), message.type).toEqual(['alive', 'alive', 'alive']);
      const c = world.node('c');
      const node = { ...c.swim.self.node, metadata: { role: 'cache' } };
      c.swim.describe(node, world.now);
      world.run(5000);
      expect(world.node('a').swim.members.get('c')).toMatchObject({ state: 'alive', node });
    }
  });

  it('nor does it become another by being said to live in the last of its epochs', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    const { since: _, ...c } = world.node('c').swim.self;
    const member = { ...c, epoch: HIGHEST, incarnation: 2, address: { host: 'elsewhere', port: 1 } };
    for (const name of ['a', 'b', 'c']) {
      const { swim, address } = world.node(name);
      swim.receive({ sender: 'b', run: 1, messages: [{ type: 'alive', member }] }, address, world.now);
      swim.merge([member], 'b', world.now);
    }
    world.run(15_000);
    expect(seen(world)).toEqual(['alive', 'alive', 'alive']);
    expect(world.node('a').swim.members.get('c')?.address).toEqual(c.address);
  });
});
