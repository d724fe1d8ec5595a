import { describe, expect, it } from 'vitest';
import { failureOf, Stage } from './stage.ts';

const ALL = ['a', 'b', 'c'];

describe('a node that is removed', () => {
  it('knows it, serves no more, and disturbs nobody', async () => {
    const stage = new Stage('knows', ALL, []);
    const leader = await stage.begin();
    const gone = ALL.find((name) => name !== leader) as string;
    await stage.change(stage.members(leader).removeNode(gone));
    await stage.removed(gone);
    const term = stage.cluster.node(leader).status().term;
    await stage.cluster.world.run(10_000);
    expect(stage.cluster.node(leader).status()).toMatchObject({ role: 'leader', term });
    const write = await failureOf(stage, stage.cluster.node(gone).replicate({ type: 'put', key: 'x', value: 'x' }));
    expect([write.code, write.outcome]).toEqual(['REFUSED', 'not-applied']);
    const read = await failureOf(stage, stage.cluster.node(gone).read('x', { consistency: 'linearizable' }));
    expect(read.code).toBe('REFUSED');
    expect((await failureOf(stage, stage.members(gone).addNode(gone))).code).toBe('REFUSED');
  });

  it('hears of it when it comes back, and leaves the leader in peace', async () => {
    const stage = new Stage('comes-back', ALL, []);
    const leader = await stage.begin();
    const gone = ALL.find((name) => name !== leader) as string;
    stage.cluster.crash(gone);
    await stage.cluster.world.run(500);
    await stage.change(stage.members(leader).removeNode(gone));
    const { term } = stage.cluster.node(leader).status();
    stage.cluster.start(gone);
    await stage.cluster.world.run(5000);
    expect(stage.members(gone).phase).toBe('removed');
    expect(stage.cluster.node(leader).status()).toMatchObject({ role: 'leader', term });
    stage.cluster.crash(gone);
    stage.cluster.start(gone);
    await stage.cluster.world.run(100);
    expect(stage.members(gone).phase).toBe('removed');
  });

  it('hears of it when it was cut off, and has stood for election meanwhile', async () => {
    const stage = new Stage('cut-off', ALL, []);
    const leader = await stage.begin();
    const gone = ALL.find((name) => name !== leader) as string;
    const rest = ALL.filter((name) => name !== gone).map((name) => stage.cluster.host(name));
    stage.cluster.world.partition(stage.cluster.host(gone), rest);
    await stage.cluster.world.run(2000);
    await stage.change(stage.members(leader).removeNode(gone));
    const { term } = stage.cluster.node(leader).status();
    stage.cluster.world.heal();
    await stage.removed(gone);
    await stage.settled(...ALL.filter((name) => name !== gone));
    expect(stage.cluster.node(leader).status()).toMatchObject({ role: 'leader', term });
  });

  it('is a member again when it is added again, with the log that it has', async () => {
    const stage = new Stage('again', ALL, []);
    const leader = await stage.begin();
    const gone = ALL.find((name) => name !== leader) as string;
    await stage.write(leader, 10);
    for (let round = 0; round < 3; round += 1) {
      await stage.change(stage.members(leader).removeNode(gone));
      await stage.removed(gone);
      await stage.write(leader, 10);
      await stage.change(stage.members(leader).addNode(gone));
      await stage.settled(...ALL);
    }
    stage.cluster.crash(gone);
    await stage.write(leader, 1);
    stage.cluster.start(gone);
    await stage.settled(...ALL);
  });

  it('is told so by who adds it again, before it has heard of it otherwise', async () => {
    const stage = new Stage('again-at-once', ALL, []);
    const leader = await stage.begin();
    const gone = ALL.find((name) => name !== leader) as string;
    const host = stage.cluster.host(gone);
    const rest = ALL.filter((name) => name !== gone).map((name) => stage.cluster.host(name));
    stage.cluster.world.partition(host, rest);
    await stage.cluster.world.run(100);
    await stage.change(stage.members(leader).removeNode(gone));
    const added = stage.members(leader).addNode(gone);
    stage.cluster.world.heal();
    await stage.change(added);
    await stage.settled(...ALL);
  });

  it('may be the leader: another leads at once', async () => {
    const stage = new Stage('leader', ALL, []);
    const leader = await stage.begin();
    const others = ALL.filter((name) => name !== leader);
    const began = stage.cluster.world.now;
    await stage.change(stage.members(others[0] as string).removeNode(leader));
    // No election time had to pass.
    expect(stage.cluster.world.now - began).toBeLessThan(200);
    await stage.settled(...others);
    await stage.removed(leader);
  });

  it('may be switched off when the call has resolved', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const stage = new Stage(`off-${seed}`, ['a', 'b'], []);
      const leader = await stage.begin();
      const [gone, kept] = seed % 2 === 0 ? [leader, leader === 'a' ? 'b' : 'a'] : [leader === 'a' ? 'b' : 'a', leader];
      await stage.write(kept, 3);
      await stage.change(stage.members(seed % 3 === 0 ? gone : kept).removeNode(gone));
      stage.cluster.crash(gone);
      stage.cluster.crash(kept);
      stage.cluster.start(kept);
      await stage.settled(kept);
    }
  });
});
