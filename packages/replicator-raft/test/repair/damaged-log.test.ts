import { ClusterError, createCluster, messageKind } from '@quorate/core';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, expect, it } from 'vitest';
import { forceNewCluster, raftMembers, raftReplicator, restoreGroup } from '../../src/index.ts';
import { KeyValues } from '../key-values.ts';
import { failureOf, Stage } from '../membership/stage.ts';
import { backupOf, stored } from '../recovery/recovered.ts';
import { logFiles, rotLog, rotSnapshot } from './rot.ts';

const ALL = ['a', 'b', 'c'];
const REAL = { real: true };

async function filled(name: string, founders: readonly string[] = ALL, others: readonly string[] = []) {
  const stage = new Stage(name, founders, others, REAL);
  const leader = await stage.begin();
  await stage.write(leader, 20);
  return { stage, leader };
}

/** The log of this node rots while it is down. */
function rotAway(stage: Stage, name: string) {
  stage.cluster.crash(name);
  return rotLog(stage.cluster.host(name));
}

/** The phases that a node was seen in. */
function phasesOf(stage: Stage, name: string): ReadonlySet<string> {
  const seen = new Set<string>();
  stage.cluster.world.onStep(() => seen.add(stage.phase(name) ?? ''));
  return seen;
}

describe('a node whose log is damaged', () => {
  it('is repaired from its peers, by itself, and its old log is kept', async () => {
    const { stage, leader } = await filled('follower');
    const follower = ALL.find((name) => name !== leader) as string;
    const host = stage.cluster.host(follower);
    rotAway(stage, follower);
    const before = logFiles(host, '.segment').map((path) => host.disk.read(path));
    const phases = phasesOf(stage, follower);
    stage.cluster.start(follower);
    await stage.settled(...ALL);
    expect([...phases]).toEqual(expect.arrayContaining(['repairing', 'running']));
    expect(stage.members(follower).error).toBeUndefined();
    expect(logFiles(host, '.segment.damaged')).toEqual([]);
    expect(logFiles(host, '.damaged').map((path) => host.disk.read(path))).toEqual(before);
  });

  it('says what is damaged, by file and offset, and what it waits for', async () => {
    const { stage, leader } = await filled('says');
    const others = ALL.filter((name) => name !== leader);
    for (const name of others) stage.cluster.crash(name);
    const { path, offset } = rotAway(stage, leader);
    stage.cluster.start(leader);
    await stage.comesTo(leader, 'repairing');
    const { error } = stage.members(leader);
    expect(error?.code).toBe('CORRUPT');
    expect(error?.message).toContain(`${path}: at offset ${offset}`);
    const write = await failureOf(stage, stage.writeSoon(leader));
    expect([write.code, write.outcome]).toEqual(['QUORUM_LOST', 'not-applied']);
    for (const name of others) stage.cluster.start(name);
    await stage.settled(...ALL);
  });

  it('is repaired again when the new log is damaged, and then that one is kept', async () => {
    const { stage, leader } = await filled('again');
    const host = stage.cluster.host(leader);
    rotAway(stage, leader);
    stage.cluster.start(leader);
    await stage.settled(...ALL);
    await stage.write(stage.cluster.leader() as string, 20);
    const first = logFiles(host, '.damaged');
    rotAway(stage, leader);
    const second = logFiles(host, '.segment').map((path) => host.disk.read(path));
    stage.cluster.start(leader);
    await stage.settled(...ALL);
    const kept = logFiles(host, '.damaged');
    expect(kept.some((path) => first.includes(path))).toBe(false);
    expect(kept.map((path) => host.disk.read(path))).toEqual(second);
  });

  it('keeps the copy of the first log while nothing has been repaired', async () => {
    const { stage, leader } = await filled('unfinished');
    const others = ALL.filter((name) => name !== leader);
    const host = stage.cluster.host(leader);
    for (const name of others) stage.cluster.crash(name);
    rotAway(stage, leader);
    stage.cluster.start(leader);
    await stage.comesTo(leader, 'repairing');
    const kept = logFiles(host, '.damaged').map((path) => host.disk.read(path));
    stage.cluster.crash(leader);
    // How it begins: nothing is worth more than that.
    host.disk.flipBit(logFiles(host, '.segment')[0] ?? '', 0);
    stage.cluster.start(leader);
    await stage.comesTo(leader, 'repairing');
    expect(logFiles(host, '.damaged').map((path) => host.disk.read(path))).toEqual(kept);
    for (const name of others) stage.cluster.start(name);
    await stage.settled(...ALL);
  });

  it('is repaired whenever it crashes meanwhile', async () => {
    let crashes = 0;
    for (let operation = 1; operation < 120; operation += 3) {
      const { stage, leader } = await filled(`crash-${operation}`);
      const host = stage.cluster.host(leader);
      rotAway(stage, leader);
      host.crashAtDiskOperation(operation);
      stage.cluster.start(leader);
      await stage.cluster.world.run(1500);
      host.crashAtDiskOperation(Infinity);
      if (!host.running) {
        crashes += 1;
        stage.cluster.crash(leader);
        stage.cluster.start(leader);
      }
      await stage.settled(...ALL);
      expect(logFiles(host, '.damaged').length).toBeGreaterThan(0);
    }
    expect(crashes).toBeGreaterThan(20);
  });

  it('is repaired when its snapshot is', async () => {
    const stage = new Stage('snapshot', ALL, [], { ...REAL, snapshots: { everyEntries: 5, keepEntries: 2 } });
    const leader = await stage.begin();
    await stage.write(leader, 20);
    const host = stage.cluster.host(leader);
    stage.cluster.crash(leader);
    const path = rotSnapshot(host);
    const phases = phasesOf(stage, leader);
    stage.cluster.start(leader);
    await stage.settled(...ALL);
    expect([...phases]).toContain('repairing');
    expect(logFiles(host, '.damaged').some((each) => each.startsWith(path))).toBe(true);
  });

  it('was a learner, and is one again', async () => {
    const { stage, leader } = await filled('learner', ALL, ['d']);
    await stage.change(stage.members(leader).addNode('d', { as: 'learner' }));
    await stage.write(leader, 5);
    rotAway(stage, 'd');
    stage.cluster.start('d');
    await stage.settled(...ALL, 'd?');
  });

  it('stays out when it was removed meanwhile, until it is added again', async () => {
    const { stage, leader } = await filled('removed');
    const gone = ALL.find((name) => name !== leader) as string;
    rotAway(stage, gone);
    await stage.cluster.world.run(500);
    await stage.change(stage.members(leader).removeNode(gone));
    stage.cluster.start(gone);
    await stage.comesTo(gone, 'refused');
    expect(stage.members(gone).error?.message).toContain('is no member of the group any more');
    expect(stage.shown(leader)).toBe(ALL.filter((name) => name !== gone).join(' '));
    await stage.change(stage.members(leader).addNode(gone));
    await stage.settled(...ALL);
  });

  it('is not repaired where the storage is told to refuse', async () => {
    const { stage, leader } = await filled('refusing');
    const { path, offset } = rotAway(stage, leader);
    const started = stage.cluster.offline(leader, ({ system }) =>
      createCluster({
        nodeId: leader,
        bind: { host: stage.cluster.host(leader).address, port: 7000 },
        system,
        insecure: true,
        transport: tcpTransport(),
        storage: fileStorage({ directory: '/data', log: { onDamage: 'refuse' } }),
        replicator: raftReplicator({ voters: ALL, machine: () => new KeyValues() }),
      }).start(),
    );
    await expect(started).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(`${path}: at offset ${offset}`),
    });
    expect(logFiles(stage.cluster.host(leader), '.damaged')).toEqual([]);
  });
});

describe('who asks for a place without a claim to it', () => {
  it('gets none: no foreign node, and no member that has its log', async () => {
    const { stage, leader } = await filled('foreign', ALL, ['d']);
    const member = ALL.find((name) => name !== leader) as string;
    const request = Uint8Array.of(9, 0, 0, 0, 1, 1, 0, 0, 20, 0);
    const ask = async (name: string) => {
      const answer = await stage.cluster.soon(
        stage.cluster.transport(name).request(leader, messageKind.REPLICATE, request),
      );
      return new TextDecoder().decode(answer);
    };
    expect(await ask('d')).toContain('REFUSED');
    expect(await ask(member)).toContain('has its log');
    expect(stage.shown(leader)).toBe('a b c');
  });
});

describe('where no majority is left', () => {
  it('nobody forms the group anew, though nothing is left of it anywhere', async () => {
    const { stage } = await filled('all');
    for (const name of ALL) rotAway(stage, name);
    stage.cluster.startAll();
    await stage.cluster.world.run(20_000);
    expect(ALL.map((name) => stage.phase(name))).toEqual(['repairing', 'repairing', 'repairing']);
    for (const name of ALL) expect(logFiles(stage.cluster.host(name), '.damaged')).not.toEqual([]);
  });

  it('nor with a founder that knows nothing, as those may have known more who have lost their logs', async () => {
    const stage = new Stage('early', ALL, [], REAL);
    for (const name of ['b', 'c']) stage.cluster.start(name);
    await stage.cluster.world.run(1000);
    const host = stage.cluster.host('b');
    stage.cluster.crash('b');
    host.disk.flipBit(logFiles(host, '.segment')[0] ?? '', 0);
    stage.cluster.start('b');
    stage.cluster.start('a');
    await stage.cluster.world.run(20_000);
    expect(ALL.map((name) => stage.phase(name))).toEqual(['forming', 'repairing', 'forming']);
  });

  it('a node whose log is whole can be the group, by force, and the others are added again', async () => {
    const { stage, leader } = await filled('force');
    const others = ALL.filter((name) => name !== leader);
    for (const name of others) rotAway(stage, name);
    for (const name of others) stage.cluster.start(name);
    for (const name of others) await stage.comesTo(name, 'repairing');
    stage.cluster.crash(leader);
    await stage.cluster.offline(leader, (node) => forceNewCluster(node));
    stage.cluster.start(leader);
    for (const name of others) await stage.comesTo(name, 'refused');
    for (const name of others) await stage.change(stage.members(leader).addNode(name));
    await stage.settled(...ALL);
  });

  it('a group of one node stays out, and can be restored from a backup', async () => {
    const { stage } = await filled('one', ['a']);
    const backup = await backupOf(stage.cluster, 'a');
    rotAway(stage, 'a');
    stage.cluster.start('a');
    await stage.comesTo('a', 'repairing');
    await stage.cluster.world.run(60_000);
    expect(raftMembers(stage.cluster.node('a')).error).toBeInstanceOf(ClusterError);
    stage.cluster.crash('a');
    await stage.cluster.offline('a', (node) => restoreGroup(node, { backup: stored(backup) }));
    stage.cluster.start('a');
    await stage.settled('a');
    // What was restored is worth a copy, and no less than what was damaged before.
    await stage.write('a', 10);
    rotAway(stage, 'a');
    const host = stage.cluster.host('a');
    const second = logFiles(host, '.segment').map((path) => host.disk.read(path));
    stage.cluster.start('a');
    await stage.comesTo('a', 'repairing');
    const kept = logFiles(host, '.damaged').filter((path) => path.includes('.segment'));
    expect(kept.map((path) => host.disk.read(path))).toEqual(second);
  });
});
