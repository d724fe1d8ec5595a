import { type ClusterOptions, createCluster, isClusterError, type Plugin, type Storage } from '@quorate/core';
import { raftElection, type RaftElectionOptions } from '@quorate/election-raft';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { describe, expect, it } from 'vitest';
import { ComposedNodes } from '../src/composed-nodes.ts';
import { Tally, type TallyReplicator } from '../src/tally.ts';

const VOTERS = ['a', 'b', 'c'];
const raft = { voters: VOTERS };

type Group = Partial<RaftElectionOptions>;

function replicator(group: Group = {}): Plugin<TallyReplicator, 'replicator'> {
  return raftReplicator({ ...raft, ...group, machine: () => new Tally() });
}

function both(election: Group = {}, replication: Group = {}): Partial<ClusterOptions<TallyReplicator>> {
  return { election: raftElection({ ...raft, ...election }), replicator: replicator(replication) };
}

/** Three nodes with both parts, of which these stand for election; with a leader and a grant. */
async function composed(seed: string, candidates: readonly string[] = VOTERS): Promise<ComposedNodes> {
  const nodes = new ComposedNodes(seed);
  nodes.startAll((name) => ({ ...both(), campaign: candidates.includes(name) }));
  await nodes.until(() => nodes.running.length === 3 && nodes.leader !== undefined);
  return nodes;
}

function logStorage(): Plugin<Storage, 'storage'> {
  return memoryStorage({ disk: memoryDisk() });
}

/** Why no cluster could be made of these; a storage that keeps logs is there unless they say otherwise. */
function refusal(
  parts: Partial<ClusterOptions<TallyReplicator>>,
  storage: Plugin<Storage, 'storage'> | 'none' = logStorage(),
): string {
  const transport = memoryTransport({ network: memoryNetwork() });
  try {
    createCluster({ nodeId: 'a', transport, ...(storage !== 'none' && { storage }), ...parts });
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'accepted';
}

async function disposed(part: AsyncDisposable): Promise<void> {
  await part[Symbol.asyncDispose]();
}

describe('an election and a replicator on Raft', () => {
  it('share one group, and its leader', async () => {
    const nodes = await composed('share');
    await nodes.world.run(1000);
    expect(nodes.groupLeader).toBe(nodes.leader);
    const { term } = nodes.get(nodes.leader ?? '').replicator.status();
    for (const name of nodes.names) {
      const { leader, storage, replicator: own } = nodes.get(name);
      expect(leader).toEqual({ nodeId: nodes.leader, token: term });
      expect(storage.log?.groups()).toEqual([1]);
      expect(own.status()).toMatchObject({ leader: nodes.leader, term });
    }
    await nodes.add('a');
    expect(await nodes.read('c')).toBe(1);
  });

  it('find leader, grant and data again when all nodes crashed', async () => {
    const nodes = await composed('again');
    await nodes.add('b', 7);
    const { token } = nodes.get(nodes.leader ?? '').leadership ?? { token: 0n };
    for (const name of nodes.names) nodes.crash(name);
    nodes.startAll(() => both());
    await nodes.until(() => nodes.leader !== undefined);
    expect(nodes.get(nodes.leader ?? '').leadership?.token).toBeGreaterThan(token);
    expect(await nodes.read('a')).toBe(7);
  });

  it('lets nodes that do not campaign replicate, and never lead', async () => {
    const nodes = await composed('observers', ['c']);
    nodes.world.onStep(() => {
      for (const name of ['a', 'b']) expect(nodes.get(name).leadership).toBeUndefined();
    });
    expect(nodes.leader).toBe('c');
    await nodes.until(() => nodes.groupLeader === 'c');
    for (const name of nodes.names) await nodes.add(name);
    const { leader } = nodes.get('a');
    nodes.crash('c');
    // The others go on without a grant.
    await nodes.until(() => nodes.groupLeader !== undefined);
    expect(await nodes.add('a')).toBe(4);
    await nodes.world.run(5000);
    expect(nodes.leader).toBeUndefined();
    nodes.start('c', both());
    // A candidate that has caught up takes the group's leadership over.
    await nodes.until(() => nodes.leader === 'c' && nodes.groupLeader === 'c');
    expect(nodes.get('c').leadership?.token).toBeGreaterThan(leader?.token ?? 0n);
    expect(await nodes.read('c')).toBe(4);
  });

  it('hand both over at once', async () => {
    const nodes = await composed('transfer');
    await nodes.world.run(1000);
    const first = nodes.leader ?? '';
    const second = VOTERS.find((name) => name !== first) ?? '';
    const began = nodes.world.now;
    await nodes.soon(nodes.get(first).election.transfer(second));
    expect(nodes.world.now - began).toBeLessThan(100);
    await nodes.until(() => nodes.leader === second && nodes.groupLeader === second);
    expect(await nodes.add(first)).toBe(1);
    await nodes.soon(nodes.get(second).election.resign());
    await nodes.until(() => nodes.leader !== undefined && nodes.leader !== second);
    await nodes.until(() => nodes.groupLeader === nodes.leader);
    expect(await nodes.add(second)).toBe(2);
  });

  it('go on replicating when the only candidate resigns, and elect it again', async () => {
    const nodes = await composed('resign', ['b']);
    const { token } = nodes.get('b').leadership ?? { token: 0n };
    await nodes.soon(nodes.get('b').election.resign());
    expect(nodes.leader).toBeUndefined();
    expect(await nodes.add('a')).toBe(1);
    // The cluster stands again, as it was told to campaign.
    await nodes.until(() => nodes.leader === 'b');
    expect(nodes.get('b').leadership?.token).toBeGreaterThan(token);
    expect(await nodes.add('a')).toBe(2);
  });

  it('can be disposed of in either order', async () => {
    const nodes = await composed('dispose');
    const first = nodes.leader ?? '';
    await nodes.soon(disposed(nodes.get(first).election));
    expect(await nodes.add(first)).toBe(1);
    await nodes.until(() => nodes.leader !== undefined);
    const second = nodes.leader ?? '';
    const grant = nodes.get(second).leadership;
    await nodes.soon(disposed(nodes.get(second).replicator));
    await expect(nodes.get(second).replicator.replicate(1)).rejects.toMatchObject({ code: 'CLOSED' });
    await nodes.world.run(2000);
    expect(grant?.isValid()).toBe(true);
    const third = VOTERS.find((name) => name !== first && name !== second) ?? '';
    expect(await nodes.add(third)).toBe(2);
    await nodes.soon(Promise.all(VOTERS.map((name) => nodes.get(name).stop())), 30_000);
  });

  it('hand over when the leader stops', async () => {
    const nodes = await composed('stop');
    await nodes.world.run(1000);
    const first = nodes.leader ?? '';
    const stopping = nodes.get(first).stop();
    const began = nodes.world.now;
    const rest = VOTERS.filter((name) => name !== first);
    await nodes.until(() => rest.includes(nodes.leader ?? ''));
    expect(nodes.world.now - began).toBeLessThan(100);
    await nodes.soon(stopping, 30_000);
    expect(await nodes.add(rest[0] ?? '')).toBe(1);
  });
});

describe('each by itself', () => {
  it('a replicator needs no election', async () => {
    const nodes = new ComposedNodes('replicator');
    nodes.startAll(() => ({ replicator: replicator() }));
    await nodes.until(() => nodes.running.length === 3 && nodes.groupLeader !== undefined);
    expect(await nodes.add('b')).toBe(1);
    await nodes.world.run(1000);
    const first = nodes.groupLeader ?? '';
    const rest = VOTERS.filter((name) => name !== first);
    const stopping = nodes.get(first).stop();
    // It hands over as well: what is asked of anybody meanwhile neither fails nor waits for an election.
    const began = nodes.world.now;
    const results = await nodes.soon(Promise.all(rest.map((name) => nodes.get(name).replicator.replicate(1))));
    expect(new Set(results)).toEqual(new Set([2, 3]));
    expect(nodes.world.now - began).toBeLessThan(100);
    await nodes.soon(stopping, 30_000);
    expect(rest).toContain(nodes.groupLeader);
  });

  it('an election needs no replicator', async () => {
    const nodes = new ComposedNodes('election');
    nodes.startAll(() => ({ election: raftElection(raft) }));
    await nodes.until(() => nodes.running.length === 3 && nodes.leader !== undefined);
    expect(() => nodes.get('a').replicator).toThrow('no replicator was chosen');
  });
});

describe('parts that share a group are refused', () => {
  it.each<[string, Group, Group]>([
    ['voters', {}, { voters: ['a', 'b', 'd'] }],
    ['timings.tickMs', {}, { profile: 'fast' }],
    ['timings.electionMs', { timings: { electionMs: 300 } }, {}],
    ['maxClockDrift', { maxClockDrift: 0.02 }, { maxClockDrift: 0.03 }],
  ])('when they contradict each other in %s', (option, election, replication) => {
    expect(refusal(both(election, replication))).toContain(
      `raftElection and raftReplicator share a Raft group, and must be given the same ${option}: got `,
    );
  });

  it('not for an order of voters, or a drift that one of them leaves open', () => {
    expect(refusal(both({ voters: ['c', 'a', 'b'] }))).toBe('accepted');
    expect(refusal(both({ maxClockDrift: 0.05 }))).toBe('accepted');
    expect(refusal(both({}, { maxClockDrift: 0.05 }))).toBe('accepted');
  });

  it('also at the start, when they were not asked before', async () => {
    const nodes = new ComposedNodes('late');
    const election = { ...raftElection({ voters: ['a', 'b'] }), check: () => undefined };
    const parts = { election, replicator: { ...replicator(), check: () => undefined } };
    nodes.start('a', parts);
    await expect(nodes.world.run(1000)).rejects.toThrow('must be given the same voters: got ["a","b"]');
  });

  it.each([
    ['election', { election: raftElection(raft) }],
    ['replicator', { replicator: replicator() }],
  ])('the %s, without a storage that keeps logs, by name', (kind, part) => {
    const why = `${kind} is ${kind}-raft, which requires log, and no chosen part provides that`;
    expect(refusal(part, { ...logStorage(), provides: [] })).toContain(why);
    expect(refusal(part, 'none')).toContain(why);
  });
});
