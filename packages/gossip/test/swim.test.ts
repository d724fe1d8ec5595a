import { swimMembership } from '@quorate/membership-swim';
import { describe, expect, it } from 'vitest';
import { gossipCases } from './gossip-cases.ts';
import { gather, GossipWorld } from './gossip-world.ts';

const membership = () => swimMembership({ datagrams: 'transport' });

describe('gossip over SWIM', () => {
  gossipCases(membership, 0);

  it('is heard by each of a few, each time', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const nodes = await GossipWorld.open({ seed: 'few', names, membership });
    let heard = 0;
    for (const name of names) {
      nodes.gossip(name).onQuery('q', () => 1);
      nodes.gossip(name).onBroadcast('b', () => (heard += 1));
    }
    await nodes.world.run(3_000);
    const answers: number[] = [];
    for (let time = 0; time < 60; time += 1) {
      nodes.gossip('b').broadcast('b', time);
      const asked = gather(nodes.gossip('a').query('q', time, { timeoutMs: 1_500 }));
      await nodes.world.settled(asked.done, 5_000);
      answers.push(asked.items.length);
    }
    expect(answers.filter((count) => count < names.length)).toEqual([]);
    expect(heard).toBe(60 * names.length);
  });
});

describe('gossip over SWIM of which a tenth is lost', () => {
  gossipCases(membership, 0.1);
});
