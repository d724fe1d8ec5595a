import { describe, expect, it } from 'vitest';
import { Stage } from './stage.ts';

const ALL = ['a', 'b', 'c'];
/** So that hardly any entry stays in the log. */
const snapshots = { everyEntries: 10, keepEntries: 0 };

describe('a group whose log was cut', () => {
  it('takes members in, which need a snapshot that knows them', async () => {
    const stage = new Stage('cut', ALL, ['d', 'e'], { snapshots });
    const leader = await stage.begin();
    await stage.write(leader, 35);
    await stage.change(stage.members(leader).addNode('d'));
    await stage.change(stage.members(leader).addNode('e', { as: 'learner' }));
    await stage.settled(...ALL, 'd', 'e?');
  });

  it('keeps its members over restarts from snapshots', async () => {
    const stage = new Stage('restart', ALL, ['d'], { snapshots });
    const leader = await stage.begin();
    await stage.change(stage.members(leader).addNode('d'));
    await stage.change(stage.members('d').removeNode(leader));
    const rest = [...ALL.filter((name) => name !== leader), 'd'];
    await stage.write('d', 35);
    for (const name of rest) stage.cluster.crash(name);
    for (const name of rest) stage.cluster.start(name);
    await stage.settled(...rest);
    expect(stage.members(leader).phase).toBe('removed');
  });

  it('has a change of the members inside a snapshot that a member gets', async () => {
    const stage = new Stage('inside', ALL, ['d'], { snapshots });
    const leader = await stage.begin();
    const [behind, other] = ALL.filter((name) => name !== leader) as [string, string];
    stage.cluster.crash(behind);
    await stage.change(stage.members(leader).addNode('d'));
    await stage.write('d', 30);
    await stage.change(stage.members('d').removeNode(other));
    await stage.write('d', 30);
    stage.cluster.start(behind);
    await stage.settled(leader, behind, 'd');
    // It knows who left without having seen it leave: what that one says counts for nothing.
    expect(stage.members(behind).all).toHaveLength(3);
    await stage.removed(other);
  });

  it('tells a member by a snapshot that another took its place, and that member that it is gone', async () => {
    const stage = new Stage('replaced-behind', ALL, ['d'], { snapshots });
    const leader = await stage.begin();
    const [behind, other] = ALL.filter((name) => name !== leader) as [string, string];
    stage.cluster.crash(behind);
    await stage.change(stage.members(leader).replaceNode(other, 'd'));
    await stage.write('d', 40);
    stage.cluster.start(behind);
    await stage.settled(leader, behind, 'd');
    stage.cluster.crash(leader);
    stage.cluster.crash('d');
    stage.cluster.start('d');
    await stage.cluster.world.runUntil(() => stage.cluster.leader() !== undefined, 10_000);
    await stage.write('d', 5);
  });
});
