import { describe, expect, it } from 'vitest';
import { forceNewCluster, inspectGroup, raftMembers, raftOperations, restoreGroup } from '../../src/index.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';
import { add, backupOf, expectGrows, freshCluster, state, stored } from './recovered.ts';

const SNAPSHOTS = { everyEntries: 6, keepEntries: 2 };

/** Three founders, of whom two are lost for good, one of them the leader; two more nodes that are no members yet. */
async function bereft(
  seed: string,
  real: boolean = false,
): Promise<{ readonly cluster: SimulatedCluster; readonly left: string; readonly lost: readonly string[] }> {
  const founders = ['a', 'b', 'c'];
  const cluster = new SimulatedCluster(seed, [...founders, 'd', 'e'], SNAPSHOTS, { founders, real });
  for (const name of founders) cluster.start(name);
  const leader = await cluster.elected();
  await add(cluster, leader, 'n', 10);
  const left = founders.find((name) => name !== leader) as string;
  await cluster.world.runUntil(() => cluster.machines.get(left)?.values.get('n') === '10', 10_000);
  for (const name of founders) cluster.crash(name);
  return { cluster, left, lost: founders.filter((name) => name !== left) };
}

describe('forceNewCluster', () => {
  it.each([false, true])('has one node go on alone, and others added to it; real disk: %s', async (real) => {
    const { cluster, left } = await bereft('force', real);
    const forced = await cluster.offline(left, (node) => forceNewCluster(node));
    expect(forced.former.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c']);
    cluster.start(left);
    await cluster.elected();
    expect(cluster.leader()).toBe(left);
    expect(await cluster.soon(cluster.node(left).read('n', { consistency: 'linearizable' }))).toBe('10');
    const { all } = raftMembers(cluster.node(left));
    expect(all.map(({ nodeId }) => nodeId)).toEqual([left]);
    await add(cluster, left, 'n');
    await expectGrows(cluster, left, ['d', 'e']);
    const names = [left, 'd', 'e'];
    for (const name of names) cluster.crash(name);
    for (const name of names) cluster.start(name);
    await cluster.elected();
    for (const name of names)
      expect(await cluster.soon(cluster.node(name).read('n', { consistency: 'linearizable' }))).toBe('11');
  });

  it('counts as committed what only this node may have had', async () => {
    const founders = ['a', 'b', 'c'];
    const cluster = new SimulatedCluster('tail', founders);
    cluster.startAll();
    const leader = await cluster.elected();
    await add(cluster, leader, 'n', 3);
    for (const name of founders) if (name !== leader) cluster.crash(name);
    cluster
      .node(leader)
      .replicate({ type: 'put', key: 'tail', value: 'mine' }, { timeoutMs: 50 })
      .catch(() => undefined);
    await cluster.world.run(100);
    cluster.crash(leader);
    const { commit, lastIndex } = await cluster.offline(leader, (node) => forceNewCluster(node));
    expect(lastIndex).toBeGreaterThan(commit);
    cluster.start(leader);
    await cluster.elected();
    expect(await cluster.soon(cluster.node(leader).read('tail', { consistency: 'linearizable' }))).toBe('mine');
  });

  it('makes former members strangers, who can come back only without what they have', async () => {
    const { cluster, left, lost } = await bereft('strangers');
    await cluster.offline(left, (node) => forceNewCluster(node));
    cluster.start(left);
    await cluster.elected();
    await add(cluster, left, 'n');
    const [old] = lost as [string];
    cluster.start(old);
    await cluster.world.run(10_000);
    expect(cluster.node(old).status().role).not.toBe('leader');
    expect(cluster.machines.get(old)?.values.get('n')).not.toBe('11');
    await expect(cluster.soon(raftMembers(cluster.node(left)).addNode(old), 60_000)).rejects.toMatchObject({
      code: 'REFUSED',
    });
    expect(cluster.leader()).toBe(left);
    await add(cluster, left, 'n');
    cluster.crash(old);
    cluster.wipe(old);
    await expectGrows(cluster, left, [old]);
    expect(await cluster.soon(cluster.node(old).read('n', { consistency: 'linearizable' }))).toBe('12');
  });

  it('keeps two formations of one group apart, though the old one has its quorum back', async () => {
    const { cluster, left, lost } = await bereft('apart');
    await cluster.offline(left, (node) => forceNewCluster(node));
    cluster.start(left);
    for (const name of lost) cluster.start(name);
    const leads = (name: string) => cluster.node(name).status().role === 'leader';
    await cluster.world.runUntil(() => cluster.live.includes(left) && leads(left) && lost.some(leads), 20_000);
    const old = lost.find(leads) as string;
    await cluster.soon(cluster.node(left).replicate({ type: 'put', key: 'who', value: 'new' }));
    await cluster.soon(cluster.node(old).replicate({ type: 'put', key: 'who', value: 'old' }));
    await cluster.world.run(2000);
    expect(await cluster.soon(cluster.node(left).read('who', { consistency: 'linearizable' }))).toBe('new');
    for (const name of lost)
      expect(await cluster.soon(cluster.node(name).read('who', { consistency: 'linearizable' }))).toBe('old');
  });

  it('can be used more than once, after members came and went', async () => {
    const { cluster, left } = await bereft('again');
    await cluster.offline(left, (node) => forceNewCluster(node));
    cluster.start(left);
    await cluster.elected();
    await expectGrows(cluster, left, ['d', 'e']);
    await cluster.soon(raftMembers(cluster.node(left)).removeNode('e'), 60_000);
    await add(cluster, left, 'n');
    await cluster.world.runUntil(() => state(cluster, 'd').length === state(cluster, left).length, 10_000);
    await cluster.world.run(1000);
    const before = state(cluster, left);
    for (const name of [left, 'd', 'e']) cluster.crash(name);
    const { former } = await cluster.offline('d', (node) => forceNewCluster(node));
    expect(former.map(({ nodeId }) => nodeId)).toEqual([left, 'd']);
    cluster.start('d');
    await cluster.elected();
    await cluster.soon(cluster.node('d').read('n', { consistency: 'linearizable' }));
    expect(state(cluster, 'd')).toEqual(before);
    // What is backed up of it can be restored as that of any group.
    const file = await backupOf(cluster, 'd');
    const fresh = freshCluster('fresh');
    await fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) }));
    fresh.start('x');
    await fresh.elected();
    expect(state(fresh, 'x')).toEqual(before);
  });

  it('is one step: after a crash anywhere in it, the node is what it was or what it was to be', async () => {
    const whole = await bereft('crash', true);
    const { disk } = whole.cluster.host(whole.left);
    const before = disk.operations;
    await whole.cluster.offline(whole.left, (node) => forceNewCluster(node));
    const operations = disk.operations - before;
    const seen = new Set<number>();
    // What comes before is the opening of the storage.
    for (let operation = operations - 12; operation <= operations; operation += 1) {
      const { cluster, left } = await bereft('crash', true);
      cluster.host(left).crashAtDiskOperation(operation);
      await cluster.offline(left, (node) => forceNewCluster(node)).catch(() => undefined);
      cluster.start(left);
      await cluster.world.run(5000);
      const { length } = raftMembers(cluster.node(left)).all;
      seen.add(length);
      expect(cluster.leader()).toBe(length === 1 ? left : undefined);
      expect(raftOperations(cluster.node(left)).status().phase).toBe('running');
    }
    expect(seen).toEqual(new Set([3, 1]));
  });

  it('is prepared by a look at what each node has', async () => {
    const { cluster, left } = await bereft('look', true);
    const seen = await cluster.offline(left, (node) => inspectGroup(node));
    expect(seen).toMatchObject({ isRemoved: false, lastTerm: expect.any(Number) });
    expect(seen?.snapshotIndex).toBeGreaterThan(5);
    expect(seen?.members.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c']);
    expect(await cluster.offline(left, (node) => inspectGroup(node))).toEqual(seen);
    const { lastIndex, commit, former } = await cluster.offline(left, (node) => forceNewCluster(node));
    expect({ lastIndex, commit, members: former }).toEqual({
      lastIndex: seen?.lastIndex,
      commit: seen?.commit,
      members: seen?.members,
    });
    const after = await cluster.offline(left, (node) => inspectGroup(node));
    expect(after?.members.map(({ nodeId }) => nodeId)).toEqual([left]);
    expect(after?.commit).toBe(after?.lastIndex);
    expect(after?.lastTerm).toBeGreaterThan(seen?.lastTerm ?? 0);
    expect(await freshCluster('nothing').offline('x', (node) => inspectGroup(node))).toBeUndefined();
  });

  it('is refused where there is nothing of the group', async () => {
    const fresh = freshCluster('nothing');
    const refused = fresh.offline('x', (node) => forceNewCluster(node));
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const wrong = fresh.offline('x', async (node) => forceNewCluster(node, { group: -1 }));
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
