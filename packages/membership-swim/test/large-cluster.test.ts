import assert from 'node:assert';
import { describe, expect, it } from 'vitest';

import { swimStats } from '../src/index.ts';
import { SwimNodes } from './swim-nodes.ts';

const IDS = Array.from({ length: 14 }, (_, at) => `n${at}`);

describe('a cluster of more members than are connected all with all', () => {
  it('forms, keeps hardly any connection at rest, and sees a death and a return', async () => {
    const nodes = new SwimNodes('large');
    nodes.start(IDS, { connectAllUpTo: 4, exchangeIntervalMs: 5000 });
    await nodes.agree(IDS);
    await nodes.world.run(20_000);
    const connections = IDS.map((id) => connectionsOf(nodes, id));
    expect(Math.max(...connections)).toBeLessThan(5);
    const begun = IDS.map((id) => swimStats(nodes.cluster(id).membership)?.exchanges.begun ?? 0);
    expect(Math.min(...begun)).toBeGreaterThan(2);
    nodes.host('n7').crash();
    const others = IDS.filter((id) => id !== 'n7');
    await nodes.world.runUntil(() => others.every((id) => nodes.seen(id, 'unreachable').join() === 'n7'), 30_000);
    nodes.start(['n7'], { connectAllUpTo: 4 });
    await nodes.agree(IDS);
  });

  it('stays connected with those that it is told to, and connects all when it is small', async () => {
    const nodes = new SwimNodes('voters');
    const voters = ['n3', 'n4', 'n5'];
    nodes.start(IDS, { connectAllUpTo: 4, connectTo: ({ id }) => voters.includes(id) });
    await nodes.agree(IDS);
    await nodes.world.run(20_000);
    for (const id of voters) expect(connectionsOf(nodes, id)).toBeGreaterThanOrEqual(IDS.length - 1);
    const small = new SwimNodes('small');
    const few = IDS.slice(0, 4);
    small.start(few, { connectAllUpTo: 4 });
    await small.agree(few);
    await small.world.runUntil(() => few.every((id) => connectionsOf(small, id) === few.length - 1), 10_000);
  });

  it('connects all in a half that is cut off and small, but not before that has lasted', async () => {
    const nodes = new SwimNodes('halves');
    nodes.start(IDS, { connectAllUpTo: 8 });
    await nodes.agree(IDS);
    await nodes.world.run(20_000);
    const [here, there] = [IDS.slice(0, 7), IDS.slice(7)];
    nodes.world.partition(
      here.map((id) => nodes.host(id)),
      there.map((id) => nodes.host(id)),
    );
    await nodes.agree(here);
    await nodes.agree(there);
    await nodes.world.run(20_000);
    const connections = () => IDS.map((id) => connectionsOf(nodes, id));
    expect(Math.max(...connections())).toBeLessThan(6);
    await nodes.world.run(60_000);
    expect(Math.min(...connections())).toBe(6);
  });

  it('lives on when it cannot be told with whom to be connected', async () => {
    const nodes = new SwimNodes('untold');
    nodes.start(IDS, { connectAllUpTo: 4, connectTo: () => assert.fail('on purpose') });
    await nodes.agree(IDS);
    await nodes.world.run(20_000);
    await nodes.agree(IDS);
  });

  it('becomes one again after it was cut in two, though nobody is connected', async () => {
    const nodes = new SwimNodes('healing');
    nodes.start(IDS, { connectAllUpTo: 4 });
    await nodes.agree(IDS);
    const [here, there] = [IDS.slice(0, 5), IDS.slice(5)];
    nodes.world.partition(
      here.map((id) => nodes.host(id)),
      there.map((id) => nodes.host(id)),
    );
    await nodes.agree(here, 60_000);
    await nodes.agree(there, 60_000);
    // Longer than what is unreachable is gossiped to.
    await nodes.world.run(60_000);
    nodes.world.heal();
    await nodes.agree(IDS, 60_000);
  });
});

function connectionsOf(nodes: SwimNodes, id: string): number {
  return nodes.cluster(id).transport.peers.filter(({ state }) => state === 'connected').length;
}
