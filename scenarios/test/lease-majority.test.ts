import { messageKind, type NodeId } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { type MembershipName, SplitLife } from '../src/split-brain/split-life.ts';

/** `ttlMs` by default. */
const LEASE_MS = 60_000;

interface Scene {
  readonly world: World;
  readonly life: SplitLife;
  readonly hosts: (ids: string) => readonly Host[];
  /** As `remove d e` or `down minority`, each node's in its order. */
  readonly decided: (ids: string) => readonly string[];
}

async function scene(seed: string, ids: string, membership: MembershipName = 'heartbeat'): Promise<Scene> {
  const world = createWorld({ seed, link: { latencyMs: 0.3, jitterMs: 2 } });
  const life = new SplitLife(world, ids.split(''), 'leaseMajority', membership);
  life.startEngine();
  for (const host of life.hosts) life.start(host);
  await world.runUntil(() => life.isWhole(), 60_000);
  const decisionsOf = (id: NodeId) =>
    (life.runs.get(id)?.decisions ?? []).map((decision) => {
      if (decision.type === 'down') return `down ${decision.reason}`;
      return `remove ${decision.nodes.map((node) => node.id).join(' ')}`;
    });
  return {
    world,
    life,
    hosts: (some) => life.hosts.filter(({ name }) => some.includes(name)),
    decided: (some) => some.split('').map((id) => decisionsOf(id).join(', ')),
  };
}

describe('leaseMajority', () => {
  it('keeps the majority where both sides reach the engine, though the minority comes first', async () => {
    const { world, life, hosts, decided } = await scene('both', 'abcde');
    world.partition(hosts('ab'), hosts('cde'));
    await world.run(60_000);
    expect(life.surviving()).toEqual(['c', 'd', 'e']);
    expect(decided('cde')).toEqual(['remove a b', 'remove a b', 'remove a b']);
    expect(decided('a')).toEqual(['down lease_lost']);
  });

  it('keeps one of two halves', async () => {
    const { world, life, hosts } = await scene('halves', 'abcd');
    world.partition(hosts('ab'), hosts('cd'));
    await world.run(60_000);
    expect(life.surviving().length).toBe(2);
  });

  it('is wrong where the majority does not reach the engine: the minority goes on', async () => {
    const { world, life, hosts, decided } = await scene('minority', 'abcde');
    world.partition(hosts('ab'), hosts('cde'));
    world.partition(hosts('cde'), life.engine);
    await world.run(60_000);
    expect(life.surviving()).toEqual(['a', 'b']);
    expect(decided('c')).toEqual(['down lease_unavailable']);
  });

  it('is wrong where the engine is down: all go down', async () => {
    const { world, life, hosts, decided } = await scene('engine', 'abc');
    life.engine.crash();
    world.partition(hosts('a'), hosts('bc'));
    await world.run(120_000);
    expect(life.surviving()).toEqual([]);
    expect(decided('ab')).toEqual(['down lease_unavailable', 'down lease_unavailable']);
  });

  it('of three in a row lets those go on who agree with the holder of the lease', async () => {
    for (const membership of ['heartbeat', 'connection'] as const) {
      const { world, life, hosts } = await scene(`row ${membership}`, 'abc', membership);
      world.partition(hosts('a'), hosts('c'));
      await world.run(120_000);
      const surviving = life.surviving();
      expect(surviving.includes('a') && surviving.includes('c')).toBe(false);
    }
  });

  it('divides again after it has healed, by a lease that is free again', async () => {
    const { world, life, hosts } = await scene('again', 'abcde');
    world.partition(hosts('abc'), hosts('de'));
    await world.run(60_000);
    world.heal();
    for (const host of hosts('de')) life.start(host);
    await world.runUntil(() => life.isWhole(), 60_000);
    await world.run(5_000);
    world.partition(hosts('ab'), hosts('cde'));
    await world.run(60_000);
    expect(life.surviving()).toEqual(['c', 'd', 'e']);
  });

  it('divided once more goes on with the side of the holder, who has the lease already', async () => {
    const { world, life, hosts, decided } = await scene('holder', 'abcde');
    world.partition(hosts('abc'), hosts('de'));
    await world.run(60_000);
    world.partition(hosts('a'), hosts('bc'));
    await world.run(60_000);
    expect(life.surviving()).toEqual(['a']);
    expect(decided('ab')).toEqual(['remove d e, remove b c', 'remove d e, down lease_lost']);
  });

  it('keeps the lease while those who were removed are away: whoever comes late goes down', async () => {
    const { world, life, hosts, decided } = await scene('late', 'abcde');
    const late = hosts('e')[0]!;
    world.partition(hosts('abc'), hosts('de'));
    late.pause();
    await world.run(180_000);
    expect(life.surviving(hosts('abc'))).toEqual(['a', 'b', 'c']);
    late.resume();
    await world.run(120_000);
    expect(life.surviving()).toEqual(['a', 'b', 'c']);
    expect(decided('e')).toEqual(['down lease_lost']);
  });

  it('is wrong where the holder dies: the rest of its side asks in vain while the lease lasts, and all are down', async () => {
    const { world, life, hosts, decided } = await scene('dies', 'abcde');
    world.partition(hosts('abc'), hosts('de'));
    await world.run(60_000);
    expect(life.surviving()).toEqual(['a', 'b', 'c']);
    hosts('a')[0]!.crash();
    await world.run(60_000);
    expect(decided('bc')).toEqual(['remove d e, down lease_lost', 'remove d e, down lease_lost']);
    expect(life.surviving()).toEqual([]);
  });

  it('is wrong where the holder stands still for longer than the lease, and the other side asks only then: both go on', async () => {
    const { world, life, hosts, decided } = await scene('stands still', 'abc');
    const [holder, ...late] = hosts('abc');
    world.partition([holder!], late);
    for (const host of late) host.pause();
    await world.runUntil(() => decided('a')[0] === 'remove b c', 60_000);
    holder!.pause();
    await world.run(LEASE_MS + 5_000);
    for (const host of late) host.resume();
    await world.run(30_000);
    holder!.resume();
    await world.run(60_000);
    expect(life.surviving()).toEqual(['a', 'b', 'c']);
    expect(decided('abc')).toEqual(['remove b c', 'remove a', 'remove a']);
    // Until they meet: whoever meets the one that it has removed goes down, and so does that one.
    world.heal();
    await world.run(60_000);
    expect(decided('a')).toEqual(['remove b c, down removed']);
    expect(life.surviving().length).toBeLessThan(2);
  });

  it('lets the other side go on when the holder has died, its side has gone down, and the lease has run out', async () => {
    const { world, life, hosts, decided } = await scene('late side', 'abcde');
    world.partition(hosts('abc'), hosts('de'));
    for (const host of hosts('de')) host.pause();
    await world.runUntil(() => decided('abc').every((each) => each === 'remove d e'), 60_000);
    hosts('a')[0]!.crash();
    await world.run(LEASE_MS + 5_000);
    for (const host of hosts('de')) host.resume();
    await world.run(60_000);
    expect(decided('bcde')).toEqual([
      'remove d e, down lease_lost',
      'remove d e, down lease_lost',
      'remove a b c',
      'remove a b c',
    ]);
    expect(life.surviving()).toEqual(['d', 'e']);
  });

  it('does not listen to those whose word it is not, or who do not say what they see', async () => {
    const { world, life, hosts } = await scene('liar', 'abcde');
    world.partition(hosts('ab'), hosts('cde'));
    world.partition(hosts('ab'), life.engine);
    // That all is won: b, whose word it isn't, and a, of a situation that b doesn't see.
    const lie = () => {
      for (const [from, to] of ['ab', 'ba'].map((pair) => pair.split(''))) {
        const liar = life.runs.get(from ?? '');
        if (liar?.cluster.status !== 'running') continue;
        for (const bytes of [[1, 1, 0, 0, 0, 2, 1, 2, 3, 4], [1, 1], [9, 9, 9, 9, 9, 9, 9, 9, 9, 9], []]) {
          liar.cluster.transport.send(to ?? '', messageKind.SPLIT_BRAIN, Uint8Array.from(bytes));
        }
      }
      world.after(100, lie);
    };
    lie();
    await world.run(120_000);
    expect(life.surviving()).toEqual(['c', 'd', 'e']);
  });
});
