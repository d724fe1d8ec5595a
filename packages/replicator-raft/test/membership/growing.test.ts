import { describe, expect, it } from 'vitest';
import { failureOf, Stage } from './stage.ts';

describe('a group that grows and shrinks', () => {
  it('goes from one to three to five, and back to one, with the same history everywhere', async () => {
    const stage = new Stage('grow', ['a'], ['b', 'c', 'd', 'e']);
    await stage.begin();
    await stage.write('a', 5);
    for (const name of ['b', 'c', 'd', 'e']) await stage.change(stage.members('a').addNode(name));
    await stage.settled('a', 'b', 'c', 'd', 'e');
    for (const [name, via] of [
      ['d', 'a'],
      ['a', 'a'],
      ['c', 'c'],
      ['b', 'e'],
    ] as const) {
      await stage.change(stage.members(via).removeNode(name));
    }
    await stage.settled('e');
    for (const name of ['a', 'b', 'c', 'd']) await stage.removed(name);
    expect((await failureOf(stage, stage.members('e').removeNode('e'))).code).toBe('ELECTORATE_MISMATCH');
  });

  it('takes changes on any member, also several at a time', async () => {
    const stage = new Stage('several', ['a', 'b', 'c'], ['d', 'e', 'f']);
    const leader = await stage.begin();
    const follower = ['a', 'b', 'c'].find((name) => name !== leader) as string;
    await stage.cluster.soon(
      Promise.all([
        stage.members(follower).addNode('d'),
        stage.members(leader).addNode('e'),
        stage.members(follower).removeNode(follower),
        stage.members(leader).addNode('f', { as: 'learner' }),
      ]),
      60_000,
    );
    await stage.settled(...['a', 'b', 'c', 'd', 'e', 'f?'].filter((name) => name !== follower));
  });

  it('adds a learner that stays one, until it is to vote', async () => {
    const stage = new Stage('learner', ['a', 'b', 'c'], ['d']);
    await stage.begin();
    await stage.change(stage.members('a').addNode('d', { as: 'learner' }));
    await stage.settled('a', 'b', 'c', 'd?');
    expect(stage.members('d').all.find(({ nodeId }) => nodeId === 'd')).toMatchObject({
      role: 'learner',
      wants: 'learner',
    });
    await stage.change(stage.members('d').addNode('d'));
    await stage.settled('a', 'b', 'c', 'd');
    const error = await failureOf(stage, stage.members('a').addNode('d', { as: 'learner' }));
    expect([error.code, error.outcome]).toEqual(['INVALID_OPTIONS', 'not-applied']);
  });

  it('is fine with being asked twice', async () => {
    const stage = new Stage('twice', ['a', 'b', 'c'], ['d']);
    await stage.begin();
    await stage.cluster.soon(Promise.all([stage.members('a').addNode('d'), stage.members('b').addNode('d')]), 60_000);
    await stage.change(stage.members('c').addNode('d'));
    await stage.settled('a', 'b', 'c', 'd');
    await stage.change(stage.members('a').removeNode('d'));
    const error = await failureOf(stage, stage.members('a').removeNode('d'));
    expect([error.code, error.outcome]).toEqual(['NOT_FOUND', 'not-applied']);
    await stage.settled('a', 'b', 'c');
  });
});

describe('a change that can not be made', () => {
  it('says that a node is not there', async () => {
    const stage = new Stage('nowhere', ['a', 'b', 'c'], ['d']);
    await stage.begin();
    stage.cluster.crash('d');
    const error = await failureOf(stage, stage.members('a').addNode('d'));
    expect([error.code, error.outcome]).toEqual(['NOT_FOUND', 'not-applied']);
    const unknown = await failureOf(stage, stage.members('a').removeNode('nobody'));
    expect([unknown.code, unknown.outcome]).toEqual(['NOT_FOUND', 'not-applied']);
    await stage.settled('a', 'b', 'c');
  });

  it('is refused when too few voters would be left that are there', async () => {
    const stage = new Stage('too-few', ['a', 'b', 'c'], []);
    const leader = await stage.begin();
    const [gone, other] = ['a', 'b', 'c'].filter((name) => name !== leader) as [string, string];
    stage.cluster.crash(gone);
    await stage.cluster.world.run(1000);
    const error = await failureOf(stage, stage.members(leader).removeNode(other));
    expect([error.code, error.outcome]).toEqual(['QUORUM_LOST', 'not-applied']);
    await stage.change(stage.members(other).removeNode(gone));
    await stage.settled(leader, other);
  });

  it('says that nobody leads', async () => {
    const stage = new Stage('nobody', ['a', 'b', 'c'], ['d']);
    await stage.begin();
    stage.cluster.crash('b');
    stage.cluster.crash('c');
    await stage.cluster.world.run(2000);
    const error = await failureOf(stage, stage.members('a').addNode('d', { timeoutMs: 3000 }));
    expect([error.code, error.outcome]).toEqual(['QUORUM_LOST', 'not-applied']);
  });

  it('names the option that is wrong', async () => {
    const stage = new Stage('wrong', ['a'], []);
    await stage.begin();
    const members = stage.members('a');
    await expect(members.addNode('not an id')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(members.addNode('b', { as: 'leader' as never })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(members.removeNode('b', { timeoutMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(members.replaceNode('b', '')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(members.addNode('b', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
