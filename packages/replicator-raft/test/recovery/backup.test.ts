import { crc32, type SnapshotSource } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { raftOperations, readBackupInfo, restoreGroup } from '../../src/index.ts';
import { KeyValues } from '../key-values.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';
import { add, backupOf, collected, expectGrows, freshCluster, state, stored } from './recovered.ts';

async function written(seed: string): Promise<{ readonly cluster: SimulatedCluster; readonly leader: string }> {
  const cluster = new SimulatedCluster(seed);
  cluster.startAll();
  const leader = await cluster.elected();
  await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'kept' }));
  await add(cluster, leader, 'n', 10);
  return { cluster, leader };
}

describe('snapshotNow', () => {
  it('takes one of what is applied, with which a node begins when it starts again', async () => {
    const { cluster } = await written('snapshot');
    await cluster.soon(cluster.node('b').read('n', { consistency: 'linearizable' }));
    const taken = await cluster.soon(raftOperations(cluster.node('b')).snapshotNow());
    expect(taken.index).toBe(raftOperations(cluster.node('b')).status().appliedIndex);
    expect(taken.size).toBeGreaterThan(10);
    expect(await cluster.soon(raftOperations(cluster.node('b')).snapshotNow())).toEqual(taken);
    cluster.crash('b');
    cluster.machines.delete('b');
    cluster.start('b');
    await cluster.world.runUntil(() => cluster.machines.get('b')?.values.get('n') === '10', 10_000);
    expect(cluster.machines.get('b')?.applied).toBe(0);
  });

  it('has what was applied before the call, also while another is being taken', async () => {
    const { cluster, leader } = await written('two');
    const operations = raftOperations(cluster.node(leader));
    const first = operations.snapshotNow();
    await add(cluster, leader, 'n');
    const { appliedIndex } = operations.status();
    const second = operations.snapshotNow();
    await cluster.soon(first);
    expect((await cluster.soon(second)).index).toBeGreaterThanOrEqual(appliedIndex);
  });
});

describe('a backup', () => {
  it.each([false, true])('is restored into a fresh cluster, to which others are added; real disk: %s', async (real) => {
    const { cluster, leader } = await written('restore');
    const file = await backupOf(cluster, leader);
    const fresh = freshCluster('fresh', real);
    const restored = await fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) }));
    const { formation, members, index } = restored.backup;
    expect(restored.formation).not.toBe(formation);
    expect(members.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c']);
    expect(restored.index).toBe(index);
    fresh.start('x');
    await fresh.elected();
    expect(await fresh.soon(fresh.node('x').read('x', { consistency: 'linearizable' }))).toBe('kept');
    expect(state(fresh, 'x')).toEqual(state(cluster, leader));
    await add(fresh, 'x', 'n');
    await expectGrows(fresh, 'x', ['y', 'z']);
    for (const name of fresh.names) fresh.crash(name);
    fresh.startAll();
    await fresh.elected();
    expect(await fresh.soon(fresh.node('z').read('n', { consistency: 'linearizable' }))).toBe('11');
  });

  it('is of one moment while the group goes on, and has all that was acknowledged before', async () => {
    for (const name of ['a', 'b', 'c']) {
      const { cluster, leader } = await written(`load on ${name}`);
      const load = async (key: string) => {
        for (let n = 1; n <= 200; n += 1) await cluster.node(leader).replicate({ type: 'add', key, by: 1 });
      };
      const loads = ['k', 'l'].map((key) => load(key));
      await cluster.world.run(20);
      await add(cluster, leader, 'before');
      const file = await backupOf(cluster, name);
      await cluster.soon(Promise.all(loads));
      const fresh = freshCluster('fresh');
      const { index } = await fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) }));
      fresh.start('x');
      await fresh.elected();
      expect(await fresh.soon(fresh.node('x').read('before', { consistency: 'linearizable' }))).toBe('1');
      const had = Number(fresh.machines.get('x')?.values.get('k'));
      expect(had).toBeGreaterThan(0);
      expect(had).toBeLessThan(200);
      expect(index).toBeLessThan(raftOperations(cluster.node(leader)).status().appliedIndex);
    }
  });

  it('lets go of the state when it was read, to its end or not', async () => {
    let held = 0;
    class Counting extends KeyValues {
      override capture(): SnapshotSource {
        held += 1;
        return { ...super.capture(), release: () => (held -= 1) };
      }
    }
    const cluster = new SimulatedCluster('release', ['a'], {}, { machine: () => new Counting() });
    cluster.startAll();
    await cluster.elected();
    await add(cluster, 'a', 'n', 10);
    await backupOf(cluster, 'a');
    expect(held).toBe(0);
    const backup = raftOperations(cluster.node('a')).backup()[Symbol.asyncIterator]();
    await cluster.soon(backup.next());
    expect(held).toBe(1);
    await backup.return?.();
    expect(held).toBe(0);
  });

  it('can be had of one node alone, when it is local', async () => {
    const { cluster, leader } = await written('local');
    const others = cluster.names.filter((name) => name !== leader);
    for (const name of others) cluster.crash(name);
    const operations = raftOperations(cluster.node(leader));
    const fresh = collected(operations.backup({ timeoutMs: 2000 }));
    await expect(cluster.soon(fresh)).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT|QUORUM_LOST/u) });
    const file = await cluster.soon(collected(operations.backup({ local: true })));
    expect(await readBackupInfo(stored(file), crc32)).toMatchObject({ group: 1, machineVersion: 1 });
  });

  it('is not restored when it is cut off or damaged, and leaves nothing behind', async () => {
    const { cluster, leader } = await written('damaged');
    const file = await backupOf(cluster, leader);
    const flipped = file.map((part, at) => (at === file.length - 3 ? part.map((byte) => byte ^ 1) : part));
    const fresh = freshCluster('fresh');
    for (const parts of [file.slice(0, -2), flipped, [], [new TextEncoder().encode('something else')]]) {
      const refused = fresh.offline('x', (node) => restoreGroup(node, { backup: stored(parts) }));
      await expect(refused).rejects.toMatchObject({ code: 'CORRUPT' });
    }
    await fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) }));
    fresh.start('x');
    await fresh.elected();
    expect(state(fresh, 'x')).toEqual(state(cluster, leader));
  });

  it('is not restored over a group that exists, nor while the node runs', async () => {
    const { cluster, leader } = await written('exists');
    const file = await backupOf(cluster, leader);
    cluster.crash('a');
    const refused = cluster.offline('a', (node) => restoreGroup(node, { backup: stored(file) }));
    await expect(refused).rejects.toMatchObject({ code: 'REFUSED' });
    cluster.start('a');
    await cluster.world.runUntil(() => cluster.machines.get('a')?.values.get('n') === '10', 10_000);
  });

  it('can be restored after an attempt that a crash has interrupted, wherever that was', async () => {
    const { cluster, leader } = await written('interrupted');
    const file = await backupOf(cluster, leader);
    let attempts = 0;
    for (let operation = 1; ; operation += 1) {
      const fresh = freshCluster(`crash ${operation}`, true);
      const host = fresh.host('x');
      host.crashAtDiskOperation(operation);
      const isDone = await fresh
        .offline('x', (node) => restoreGroup(node, { backup: stored(file) }))
        .then(() => true)
        .catch(() => false);
      const again = fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) }));
      // What was complete is a group.
      await again.catch((error: unknown) => expect(error).toMatchObject({ code: 'REFUSED' }));
      fresh.start('x');
      await fresh.elected();
      expect(await fresh.soon(fresh.node('x').read('n', { consistency: 'linearizable' }))).toBe('10');
      attempts += 1;
      if (isDone) break;
    }
    expect(attempts).toBeGreaterThan(5);
  });

  it('is never taken for a group when only a part of it was restored', async () => {
    const { cluster, leader } = await written('part');
    const file = await backupOf(cluster, leader);
    const seen = new Set<string | undefined>();
    for (let operation = 1; operation < 40; operation += 1) {
      const fresh = freshCluster(`part ${operation}`, true);
      fresh.host('x').crashAtDiskOperation(operation);
      await fresh.offline('x', (node) => restoreGroup(node, { backup: stored(file) })).catch(() => undefined);
      fresh.start('x');
      const found = fresh.elected().then(() => fresh.soon(fresh.node('x').read('n', { consistency: 'linearizable' })));
      seen.add(await found.catch((error: unknown) => (/in part/u.test(String(error)) ? 'refused' : String(error))));
    }
    expect(seen).toEqual(new Set([undefined, 'refused', '10']));
  });

  it.each([{}, { backup: 'file' }, { backup: stored([]), until: { index: 0 } }, { backup: stored([]), to: 1 }])(
    'is asked for with options that are checked: %o',
    async (options) => {
      const fresh = freshCluster('fresh');
      const refused = fresh.offline('x', async (node) => restoreGroup(node, options as never));
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );
});
