import { describe, expect, it } from 'vitest';
import type { Message, SuspectRumour } from '../../src/protocol/messages.ts';
import { SwimWorld, type WorldNode } from './swim-world.ts';

const OTHERS = ['b', 'c', 'd', 'e'];

interface Suspicious {
  readonly world: SwimWorld;
  readonly a: WorldNode;
  readonly accusation: (by: string) => SuspectRumour;
}

/** A cluster in which `a` suspects `z`, of which the power has failed or what is told, and nobody else has a say in it. */
function suspicious(fail: (world: SwimWorld) => void = (world) => world.node('z').darken()): Suspicious {
  const world = new SwimWorld();
  world.form('a', ...OTHERS, 'z');
  for (const other of OTHERS) world.cut('a', other);
  for (const name of OTHERS) world.node(name).darken();
  fail(world);
  const a = world.node('a');
  for (let waits = 0; waits < 200 && a.sees('z') !== 'suspect'; waits += 1) world.run(50);
  expect(a.sees('z')).toBe('suspect');
  const version = a.swim.members.get('z');
  const { epoch, incarnation: run, refutation } = version ?? { epoch: 0, incarnation: 0, refutation: 0 };
  const accusation = (by: string): SuspectRumour => {
    return { type: 'suspect', id: 'z', epoch, run, refutation, by, evidence: 'silent' };
  };
  return { world, a, accusation };
}

function hear(world: SwimWorld, a: WorldNode, sender: string, rumour: SuspectRumour): void {
  a.swim.receive({ sender, run: 1, messages: [rumour] }, world.node(sender).address, world.now);
}

/** How long the suspicion lasts from here. */
function patience(world: SwimWorld, a: WorldNode): number {
  const from = world.now;
  while (a.sees('z') === 'suspect' && world.now < from + 60_000) world.run(10);
  return world.now - from;
}

describe('doubts', () => {
  it('what one that was asked has found counts from itself, and not from another in its name', () => {
    const waits = (senderOf: (by: string) => string): number => {
      const { world, a, accusation } = suspicious();
      for (const by of OTHERS) hear(world, a, senderOf(by), { ...accusation(by), aside: 'answer' });
      return patience(world, a);
    };
    const alone = (({ world, a }) => patience(world, a))(suspicious());
    expect(waits((by) => by)).toBeLessThan(alone);
    expect(waits((by) => (by === 'b' ? 'c' : 'b'))).toBe(alone);
  });

  it('that one has seen it stand still counts in the last look as before it', () => {
    const { world, a, accusation } = suspicious();
    for (const by of ['b', 'c', 'd']) hear(world, a, by, accusation(by));
    world.run(50);
    hear(world, a, 'e', { ...accusation('e'), evidence: 'stalled' });
    expect(patience(world, a)).toBeGreaterThan(4000);
  });

  it('nor is it forgotten because the next look shows less', () => {
    const { world, a, accusation } = suspicious((around) => {
      const z = around.node('z');
      z.stall(1_000_000);
      around.onStream = (from, to) => (from.name === 'a' && to.id === 'z' ? z.darken() : undefined);
    });
    expect(a.swim.members.get('z')?.evidence).toBe('stalled');
    for (const by of ['b', 'c', 'd']) hear(world, a, by, accusation(by));
    expect(patience(world, a)).toBeGreaterThan(4000);
  });

  it('what one has seen of an earlier version of a member is no answer to who asks about a later one', () => {
    const { world, a, accusation } = suspicious();
    const said: Message[] = [];
    world.onSent = (from, to, { messages }) => {
      if (from === a && to.id === 'b') said.push(...messages);
    };
    const isAnswer = (each: Message): boolean => each.type === 'suspect' && each.aside === 'answer';
    hear(world, a, 'b', { ...accusation('b'), refutation: accusation('b').refutation + 1, aside: 'question' });
    expect(said.filter(isAnswer)).toEqual([]);
    hear(world, a, 'b', { ...accusation('b'), aside: 'question' });
    expect(said.filter(isAnswer)).toHaveLength(1);
  });

  it('to look for another leaves who is busy the time that it was to have', () => {
    const noticed = (seed: number): number => {
      const world = new SwimWorld({ seed });
      world.form('a', 'b', 'z');
      const [a, z] = [world.node('a'), world.node('z')];
      z.loopDelayMs = 1500;
      world.run(4000);
      z.darken();
      const from = world.now;
      const { epoch, incarnation: run, refutation } = z.swim.self;
      const said = { type: 'suspect', id: 'z', epoch, run, refutation, by: 'b', evidence: 'silent' } as const;
      hear(world, a, 'b', { ...said, aside: 'question' });
      while (a.sees('z') === 'alive' && world.now < from + 10_000) world.run(10);
      return world.now - from;
    };
    expect(Math.min(...[1, 2, 3, 4, 5].map(noticed))).toBeGreaterThanOrEqual(2500);
  });

  it('a member whose connection ends is probed, though it is looked at for another already', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'z');
    const [a, z] = [world.node('a'), world.node('z')];
    z.darken();
    const { epoch, incarnation: run, refutation } = z.swim.self;
    const said = { type: 'suspect', id: 'z', epoch, run, refutation, by: 'b', evidence: 'silent' } as const;
    hear(world, a, 'b', { ...said, aside: 'question' });
    const before = a.swim.stats.probes;
    a.swim.examine('z', world.now);
    a.swim.examine('z', world.now);
    expect(a.swim.stats.probes - before).toBe(1);
  });

  it('whom a stranger asks about is not looked at', () => {
    const looks = (asker: string): number => {
      const world = new SwimWorld();
      world.form('a', 'b', 'z');
      world.start('stranger');
      const a = world.node('a');
      const { epoch, incarnation: run, refutation } = world.node('z').swim.self;
      let pings = 0;
      world.onSent = (from, to) => (pings += from === a && to.address.host === 'z.test' ? 1 : 0);
      hear(world, a, asker, {
        type: 'suspect',
        id: 'z',
        epoch,
        run,
        refutation,
        by: asker,
        evidence: 'silent',
        aside: 'question',
      });
      return pings;
    };
    expect([looks('b'), looks('stranger')]).toEqual([1, 0]);
  });
});
