import { describe, expect, it } from 'vitest';
import { failureOf, Stage } from './stage.ts';

const ALL = ['a', 'b', 'c'];

describe('a node that is replaced', () => {
  it('is one that crashed, and another takes its vote over in one step', async () => {
    const stage = new Stage('crashed', ALL, ['d']);
    const leader = await stage.begin();
    await stage.write(leader, 5);
    const gone = ALL.find((name) => name !== leader) as string;
    stage.cluster.crash(gone);
    await stage.cluster.world.run(1000);
    const seen = new Set<string>();
    stage.cluster.world.onStep(() => seen.add(stage.shown(leader)));
    await stage.change(stage.members(leader).replaceNode(gone, 'd'));
    const rest = ALL.filter((name) => name !== gone);
    await stage.settled(...rest, 'd');
    // Never more voters than before, but for the joint configuration.
    expect([...seen]).toContain(`${ALL.join(' ')} d?`);
    stage.cluster.start(gone);
    await stage.removed(gone);
  });

  it('is the leader, which hands over first', async () => {
    const stage = new Stage('leader', ALL, ['d']);
    const leader = await stage.begin();
    const others = ALL.filter((name) => name !== leader);
    await stage.change(stage.members(leader).replaceNode(leader, 'd'));
    await stage.settled(...others, 'd');
    await stage.removed(leader);
  });

  it('is the only one that there is', async () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const stage = new Stage(`only-${seed}`, ['a'], ['b']);
      await stage.begin();
      await stage.write('a', 5);
      await stage.change(stage.members('a').replaceNode('a', 'b'));
      stage.cluster.crash('a');
      stage.cluster.crash('b');
      stage.cluster.start('b');
      await stage.settled('b');
    }
  });

  it('is a learner', async () => {
    const stage = new Stage('learner', ALL, ['d', 'e']);
    await stage.begin();
    await stage.change(stage.members('a').addNode('d', { as: 'learner' }));
    await stage.change(stage.members('a').replaceNode('d', 'e'));
    await stage.settled(...ALL, 'e?');
  });

  it('may have been replaced already', async () => {
    const stage = new Stage('already', ALL, ['d']);
    await stage.begin();
    await stage.change(stage.members('a').replaceNode('b', 'd'));
    await stage.change(stage.members('a').replaceNode('b', 'd'));
    await stage.settled('a', 'c', 'd');
    const votes = await failureOf(stage, stage.members('a').replaceNode('c', 'd'));
    expect([votes.code, votes.outcome]).toEqual(['INVALID_OPTIONS', 'not-applied']);
    const unknown = await failureOf(stage, stage.members('a').replaceNode('nobody', 'a'));
    expect([unknown.code, unknown.outcome]).toEqual(['NOT_FOUND', 'not-applied']);
    const lost = await failureOf(stage, stage.members('a').replaceNode('c', 'c'));
    expect([lost.code, lost.outcome]).toEqual(['INVALID_OPTIONS', 'not-applied']);
  });

  it('has its place taken by a learner that was there before', async () => {
    const stage = new Stage('standby', ALL, ['d']);
    await stage.begin();
    await stage.change(stage.members('a').addNode('d', { as: 'learner' }));
    await stage.change(stage.members('a').replaceNode('b', 'd'));
    await stage.settled('a', 'c', 'd');
  });
});

describe('a node that lost its log', () => {
  it('stays out as a founder, and takes its place again when it is replaced by itself', async () => {
    const stage = new Stage('wiped-founder', ALL, []);
    const leader = await stage.begin();
    await stage.write(leader, 5);
    const lost = ALL.find((name) => name !== leader) as string;
    stage.cluster.crash(lost);
    stage.cluster.wipe(lost);
    stage.cluster.start(lost);
    await stage.comesTo(lost, 'refused');
    const add = await failureOf(stage, stage.members(leader).addNode(lost));
    expect([add.code, add.outcome]).toEqual(['REFUSED', 'not-applied']);
    await stage.change(stage.members(leader).replaceNode(lost, lost));
    await stage.settled(...ALL);
    expect(stage.members(lost).phase).toBe('running');
  });

  it('stays out when it was added, too', async () => {
    const stage = new Stage('wiped-other', ALL, ['d']);
    const leader = await stage.begin();
    await stage.change(stage.members(leader).addNode('d'));
    stage.cluster.crash('d');
    stage.cluster.wipe('d');
    stage.cluster.start('d');
    await stage.comesTo('d', 'refused');
    await stage.change(stage.members(leader).replaceNode('d', 'd'));
    await stage.settled(...ALL, 'd');
  });

  it('may lose it again before it has caught up', async () => {
    const stage = new Stage('wiped-twice', ALL, []);
    const leader = await stage.begin();
    const lost = ALL.find((name) => name !== leader) as string;
    const lose = async () => {
      stage.cluster.crash(lost);
      stage.cluster.wipe(lost);
      stage.cluster.start(lost);
      await stage.comesTo(lost, 'refused');
    };
    await lose();
    const first = stage.members(leader).replaceNode(lost, lost);
    first.catch(() => undefined);
    await stage.cluster.world.runUntil(() => stage.members(leader).all.length === 4, 10_000);
    await lose();
    await stage.change(stage.members(leader).replaceNode(lost, lost));
    const { code, outcome } = await failureOf(stage, first);
    expect([code, outcome]).toEqual(['NOT_FOUND', 'unknown']);
    await stage.settled(...ALL);
  });

  it('is taken for somebody new when it was removed first', async () => {
    const stage = new Stage('wiped-removed', ALL, []);
    const leader = await stage.begin();
    const lost = ALL.find((name) => name !== leader) as string;
    stage.cluster.crash(lost);
    await stage.cluster.world.run(500);
    await stage.change(stage.members(leader).removeNode(lost));
    stage.cluster.wipe(lost);
    stage.cluster.start(lost);
    await stage.cluster.world.run(1000);
    await stage.change(stage.members(leader).addNode(lost));
    await stage.settled(...ALL);
  });
});
