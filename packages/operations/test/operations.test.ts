import { crc32, isClusterError, messageKind } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { readBackupInfo } from '@quorate/replicator-raft';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations } from '../src/index.ts';
import { type TestCluster, threeNodes, until } from './three-nodes.ts';

async function failure(promise: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const error = await promise.then(
    () => new Error('it was done'),
    (reason: unknown) => reason,
  );
  if (!isClusterError(error)) throw error;
  return { code: error.code, message: error.message };
}

async function* replayed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe('operations on a cluster of three', () => {
  let cluster: TestCluster;
  const left: string[] = [];
  beforeAll(async () => {
    cluster = await threeNodes((id) => ({ allow: 'all', stop: () => void left.push(id), maxEvents: 64 }), 300_000);
    await cluster.leader();
  });
  afterAll(async () => cluster[Symbol.asyncDispose]());

  it('tell how a node is, and how others are that it passes the question on to', async () => {
    const leader = await cluster.leader();
    const client = await cluster.connect('a');
    await client.barrier();
    for (const { self } of cluster.nodes) {
      const status = await client.status({ on: self.id });
      expect(status).toMatchObject({ nodeId: self.id, cluster: 'orders', status: 'running', allow: 'all' });
      expect(status.address).toBe(`127.0.0.1:${self.port}`);
      expect(status.isLeader).toBe(self.id === leader.self.id);
      expect(status.leader.elected?.nodeId).toBe(leader.self.id);
      expect(status.replication).toMatchObject({ phase: 'running', leader: leader.self.id });
    }
    const status = await client.status({ on: leader.self.id });
    expect(status.replication?.peers.length).toBe(2);
    expect(status.replication?.appliedIndex).toBeGreaterThan(0);
  });

  it('tell who is a member, by membership and by the group', async () => {
    const client = await cluster.connect('b');
    const members = await client.members();
    expect(members.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c']);
    for (const { membership, raft } of members) {
      expect(membership).toMatchObject({ state: 'alive', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/u) });
      expect(raft).toEqual({ role: 'voter', wants: 'voter' });
    }
  });

  it('hand leadership over, whichever node is asked, and tell of it as it happens', async () => {
    const before = await cluster.leader();
    const [to, asked] = cluster.nodes.filter((node) => node !== before);
    if (to === undefined || asked === undefined) throw new Error('three nodes');
    const client = await cluster.connect(asked.self.id);
    let known = await client.events();
    while (known.events.length > 0) known = await client.events({ session: known.session, after: known.last });
    const seen: string[] = [];
    const waiting = client.events({ session: known.session, after: known.last, waitMs: 20_000 });
    const report = await client.transfer(to.self.id);
    expect(report.elected?.nodeId).toBe(to.self.id);
    await until(() => to.isLeader);
    let next = await waiting;
    for (;;) {
      expect(next.lost).toBe(0);
      seen.push(...next.events.map(({ type, nodeId }) => `${type} ${nodeId}`));
      if (seen.includes(`leader ${to.self.id}`)) break;
      next = await client.events({ session: next.session, after: next.last, waitMs: 20_000 });
    }
    await cluster.leader();
    expect(await failure(client.transfer('nobody'))).toMatchObject({ code: 'NOT_FOUND' });
    expect((await client.transfer(to.self.id)).elected?.nodeId).toBe(to.self.id);
  });

  it('give a backup in pieces, whole, and free its place', async () => {
    const leader = await cluster.leader();
    await leader.replicator.replicate(42);
    const follower = cluster.nodes.find((node) => node !== leader) ?? leader;
    const client = await cluster.connect(follower.self.id);
    for (let times = 0; times < 3; times += 1) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of client.backup()) chunks.push(chunk);
      expect(chunks.length).toBeGreaterThan(5);
      const info = await readBackupInfo(replayed(chunks), crc32);
      expect(info.members.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c']);
    }
    // What is not read to its end frees its place too.
    for (let times = 0; times < 3; times += 1) for await (const _ of client.backup()) break;
    const reading = [client.backup(), client.backup(), client.backup()];
    await reading[0]?.next();
    await reading[1]?.next();
    expect(await failure((async () => reading[2]?.next())())).toMatchObject({ code: 'OVERLOADED' });
    for (const each of reading) await each.return(undefined);
  });

  it('take members out and in again', async () => {
    const leader = await cluster.leader();
    const other = cluster.nodes.find((node) => node !== leader) ?? leader;
    const client = await cluster.connect(leader.self.id);
    await client.removeNode(other.self.id, { timeoutMs: 20_000 });
    const removed = await client.members();
    expect(removed.find(({ nodeId }) => nodeId === other.self.id)?.raft).toBeUndefined();
    await client.addNode(other.self.id, { timeoutMs: 20_000 });
    const added = await client.members();
    expect(added.find(({ nodeId }) => nodeId === other.self.id)?.raft?.role).toBe('voter');
    expect(await failure(client.removeNode('nobody'))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('have a node leave by its own program', async () => {
    const client = await cluster.connect('a');
    await client.leave({ on: 'c' });
    await until(() => left.length > 0);
    expect(left).toEqual(['c']);
  });

  it('refuse what is none, and go on', async () => {
    const { transport } = cluster.node('a');
    const ask = (payload: Uint8Array) => transport.request('b', messageKind.OPERATIONS, payload);
    const asked = async (value: unknown) => failure(ask(new TextEncoder().encode(JSON.stringify(value))));
    expect((await failure(ask(new Uint8Array(9000)))).code).toBe('PROTOCOL');
    expect((await failure(ask(Uint8Array.of(0xff)))).code).toBe('PROTOCOL');
    expect((await asked({ version: 2, operation: 'status' })).code).toBe('UNSUPPORTED');
    expect((await asked({ version: 1, operation: 'format-disk' })).code).toBe('INVALID_OPTIONS');
    expect((await asked({ version: 1, operation: 'status', surprise: 1 })).code).toBe('INVALID_OPTIONS');
    expect((await asked({ version: 1, operation: 'transfer' })).code).toBe('INVALID_OPTIONS');
    expect((await asked({ version: 1, operation: 'backup-read', backup: '0'.repeat(32) })).code).toBe('NOT_FOUND');
    expect((await asked({ version: 1, operation: 'status', on: 'a', isPassedOn: true })).code).toBe('NOT_FOUND');
    expect((await asked({ version: 1, operation: 'status', on: 'nobody' })).code).toBe('DISCONNECTED');
    expect((await asked([])).code).toBe('INVALID_OPTIONS');
    const client = await cluster.connect('b');
    expect((await client.status()).nodeId).toBe('b');
  });
});

describe('a log that is led by itself', () => {
  it('is led by whom leadership is transferred to, whoever is asked', async () => {
    await using cluster = await threeNodes({ allow: 'all' }, 0, ['a', 'b', 'c'], (voters) =>
      majorityElection({ voters, volatileVotes: true }),
    );
    await cluster.leader();
    const client = await cluster.connect('a');
    for (const to of ['c', 'a', 'b', 'b']) {
      const report = await client.transfer(to);
      await until(() => cluster.node(to).isLeader);
      expect(cluster.node(to).replicator.status()).toMatchObject({ role: 'leader', leader: to });
      for (const told of [report.elected, report.replicating]) expect([to, undefined]).toContain(told?.nodeId);
    }
  });
});

describe('a node that is read-only', () => {
  it('answers, and changes nothing, whoever asks', async () => {
    await using cluster = await threeNodes((id) => (id === 'a' ? {} : { allow: 'all' }));
    await cluster.leader();
    const client = await cluster.connect('a');
    expect((await client.status()).allow).toBe('read-only');
    for (const refused of [client.transfer('b'), client.addNode('d'), client.removeNode('b'), client.leave()]) {
      expect(await failure(refused)).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('read-only') });
    }
    const throughB = await cluster.connect('b');
    expect((await failure(throughB.leave({ on: 'a' }))).code).toBe('REFUSED');
    expect((await failure(throughB.leave({ on: 'c' }))).code).toBe('UNSUPPORTED');
  });
});

describe('a node whose group is not formed', () => {
  it('tells how it is all the same', async () => {
    await using cluster = await threeNodes({}, 0, ['a']);
    const client = await cluster.connect('a');
    const { replication, leader } = await client.status();
    expect(replication).toMatchObject({ phase: 'forming', problem: 'its group is forming', term: 0 });
    expect([leader, await client.leader()]).toEqual([{}, {}]);
    expect((await client.members()).map(({ nodeId }) => nodeId)).toEqual(['a']);
    expect((await failure(client.barrier({ timeoutMs: 100 }))).code).toMatch(/QUORUM_LOST|TIMEOUT/u);
  });
});

describe('operations', () => {
  it('end with their disposal, and are refused for what does not run', async () => {
    await using cluster = await threeNodes();
    const client = await cluster.connect('a');
    const { session, last } = await client.events();
    expect(() => operations(cluster.node('a'))).toThrow(/has a handler already/u);
    expect(() => operations(cluster.node('a'), { allow: 'some' as 'all' })).toThrow(/allow must be one of/u);
    await client.events({ session, after: last, waitMs: 1 });
  });
});
