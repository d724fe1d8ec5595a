import { describe, expect, it } from 'vitest';
import { Stage } from './stage.ts';

const FOUR = ['a', 'b', 'c', 'd'];

describe('known ways to get changes of members wrong', () => {
  /**
   * D. Ongaro, "bug in single-server membership changes" (raft-dev, 2015): a leader adds a node, and is cut off before that
   * is committed; the next one removes a node, which is committed; then the first one, elected again by those whom its own
   * configuration counts, goes on with it. There, majorities of both need not share a node.
   */
  it('single-server change race: two leaders, each with a change of its own, never both commit', async () => {
    for (let moment = 0; moment < 24; moment += 1) {
      const stage = new Stage(`race-${moment}`, FOUR, ['e']);
      const { cluster } = stage;
      const { world } = cluster;
      const first = await stage.begin();
      const [second, third, fourth] = FOUR.filter((name) => name !== first) as [string, string, string];
      const hosts = (...names: string[]) => names.map((name) => cluster.host(name));
      await stage.change(stage.members(first).addNode('e', { as: 'learner' }));
      await stage.write(first, 2);
      stage
        .members(first)
        .addNode('e', { timeoutMs: 30_000 })
        .catch(() => undefined);
      await world.run(moment < 12 ? moment / 4 : 150 + moment * 10);
      // The change may be on its way, and get no further than to the node that it is about.
      world.partition(hosts(first, 'e'), hosts(second, third, fourth));
      await world.run(1500);
      const asked = stage.members(second);
      await cluster.soon(
        asked.removeNode(first, { timeoutMs: 5000 }).catch(() => undefined),
        20_000,
      );
      // Now the first and the new node have one of the others with them, and the second has the other two.
      world.heal();
      world.partition(hosts(first, 'e', fourth), hosts(second, third));
      const attempts = FOUR.map((name) => stage.writeSoon(name).catch(() => undefined));
      await world.run(5000);
      world.heal();
      await cluster.soon(Promise.all(attempts), 60_000);
      await stage.insist(
        FOUR.slice(0),
        (members) => members.removeNode(first),
        () => isGone(stage, first),
      );
      await stage.insist(
        FOUR.slice(0),
        (members) => members.addNode('e'),
        () => votes(stage, 'e'),
      );
      await stage.settled(second, third, fourth, 'e');
    }
  });

  it('removed leader: what it has taken is not lost, and it leads nobody any more', async () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const stage = new Stage(`removed-leader-${seed}`, ['a', 'b', 'c'], []);
      const { world } = stage.cluster;
      const leader = await stage.begin();
      const others = ['a', 'b', 'c'].filter((name) => name !== leader);
      // On a slow link more is under way when it leaves.
      for (const name of others) world.setLink(stage.cluster.host(leader), stage.cluster.host(name), { latencyMs: 40 });
      const writes = Array.from({ length: 5 }, () => stage.writeSoon(leader).catch(() => undefined));
      await stage.change(stage.members(leader).removeNode(leader));
      await stage.cluster.soon(Promise.all(writes), 60_000);
      await stage.removed(leader);
      await stage.settled(...others);
      const { role } = stage.cluster.node(leader).status();
      expect(role).toBe('follower');
    }
  });

  it('snapshot with a configuration change inside: who gets it knows the members as of its index, and those after', async () => {
    for (let seed = 0; seed < 6; seed += 1) {
      const stage = new Stage(`snapshot-inside-${seed}`, ['a', 'b', 'c'], ['d', 'e'], {
        snapshots: { everyEntries: 3, keepEntries: 0 },
      });
      const { world } = stage.cluster;
      const leader = await stage.begin();
      const [behind, other] = ['a', 'b', 'c'].filter((name) => name !== leader) as [string, string];
      stage.cluster.crash(behind);
      const change = stage.members(leader).replaceNode(other, 'd');
      change.catch(() => undefined);
      // Snapshots fall on any index: before, between the halves of, and after the joint configuration.
      for (let n = 0; n < 12; n += 1) {
        await world.run(world.random.int(50));
        void stage.writeSoon(leader).catch(() => undefined);
      }
      stage.cluster.start(behind);
      await stage.change(change);
      await stage.change(stage.members(leader).addNode('e'));
      await stage.settled(leader, behind, 'd', 'e');
      for (const name of [leader, behind, 'd', 'e']) stage.cluster.crash(name);
      for (const name of [leader, behind, 'd', 'e']) stage.cluster.start(name);
      await stage.settled(leader, behind, 'd', 'e');
    }
  });
});

function isGone(stage: Stage, name: string): boolean {
  const leader = stage.cluster.leader();
  return leader !== undefined && leader !== name && !stage.members(leader).all.some(({ nodeId }) => nodeId === name);
}

function votes(stage: Stage, name: string): boolean {
  const leader = stage.cluster.leader();
  const known = leader === undefined ? [] : stage.members(leader).all;
  return known.some(({ nodeId, role }) => nodeId === name && role === 'voter');
}
