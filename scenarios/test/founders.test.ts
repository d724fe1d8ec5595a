import { type ClusterOptions, createCluster, isClusterError } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { clusterFormation } from '@quorate/formation';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { describe, expect, it } from 'vitest';
import { ComposedNodes } from '../src/composed-nodes.ts';
import { Tally, type TallyReplicator } from '../src/tally.ts';

type Parts = Partial<ClusterOptions<TallyReplicator>>;

const formation = clusterFormation({ expectedNodes: 3, marginMs: 1000, lookEveryMs: 200 });
const machine = () => new Tally();

function shared(): Parts {
  const group = { voters: 'founders' } as const;
  return { formation, election: raftElection(group), replicator: raftReplicator({ ...group, machine }) };
}

async function led(seed: string, parts: () => Parts, names?: readonly string[]): Promise<ComposedNodes> {
  const nodes = new ComposedNodes(seed, names);
  nodes.startAll(parts);
  await nodes.until(() => nodes.running.length === nodes.names.length && nodes.leader !== undefined, 20_000);
  return nodes;
}

function refusal(parts: Parts): string {
  const transport = memoryTransport({ network: memoryNetwork() });
  try {
    createCluster({ nodeId: 'a', transport, storage: memoryStorage({ disk: memoryDisk() }), ...parts });
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('those who founded the cluster', () => {
  it('elect by majority, and again after all have crashed, without asking anybody', async () => {
    const parts = () => ({ formation, election: majorityElection({ voters: 'founders' }) });
    const nodes = await led('majority', parts);
    const id = nodes.get('a').id;
    const { token } = nodes.get(nodes.leader ?? '').leadership ?? { token: 0n };
    for (const name of nodes.names) nodes.crash(name);
    for (const name of ['b', 'c']) nodes.start(name, parts());
    await nodes.until(() => nodes.leader !== undefined);
    expect(nodes.get('b').id).toBe(id);
    expect(nodes.get(nodes.leader ?? '').leadership?.token).toBeGreaterThan(token);
  });

  it('are the group of an election and a replicator', async () => {
    const nodes = await led('shared', shared);
    expect(await nodes.add('b', 7)).toBe(7);
    for (const name of nodes.names) nodes.crash(name);
    nodes.startAll(shared);
    await nodes.until(() => nodes.leader !== undefined);
    expect(await nodes.read('a')).toBe(7);
  });

  it('vote alone: a node that joined later observes', async () => {
    const election = majorityElection({ voters: 'founders' });
    const nodes = await led('later', () => ({ formation, election }), ['b', 'c', 'd']);
    nodes.world.host('a');
    nodes.start('a', { formation, election });
    await nodes.until(() => nodes.running.includes('a') && nodes.get('a').leader !== undefined);
    expect(nodes.get('a').leader?.nodeId).toBe(nodes.leader);
    await expect(nodes.get('a').election.campaign()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('are changed by the next generation, which names the voters', async () => {
    const nodes = await led('next', () => ({ formation, election: majorityElection({ voters: 'founders' }) }));
    const { token } = nodes.get(nodes.leader ?? '').leadership ?? { token: 0n };
    for (const name of nodes.names) nodes.crash(name);
    const voters = { generation: 2, voters: ['a', 'b'] };
    nodes.startAll(() => ({ formation, election: majorityElection({ voters }) }));
    await nodes.until(() => nodes.leader !== undefined);
    expect(nodes.get(nodes.leader ?? '').leadership?.token).toBeGreaterThan(token);
    await nodes.soon(nodes.get('c').stop());
    nodes.crash('c');
    nodes.start('c', { formation, election: majorityElection({ voters: 'founders' }) });
    await expect(nodes.world.run(1000)).rejects.toThrow('do not follow on the stored [a, b] of generation 2');
  });
});

describe("voters: 'founders'", () => {
  it.each<[string, Parts]>([
    ['election is election-majority', { election: majorityElection({ voters: 'founders' }) }],
    ['election is election-raft', { election: raftElection({ voters: 'founders' }) }],
    ['replicator is replicator-raft', { replicator: raftReplicator({ voters: 'founders', machine }) }],
  ])('are refused where nothing forms the cluster: %s', (part, parts) => {
    expect(refusal(parts)).toContain(`${part}, which requires formation, and no chosen part provides that`);
    expect(refusal({ ...parts, formation })).toBe('accepted');
  });

  it('are given to both that share a group, or to neither', () => {
    const parts = { ...shared(), election: raftElection({ voters: ['a', 'b', 'c'] }) };
    expect(refusal(parts)).toContain('must be given the same voters: got ["a","b","c"] and "founders"');
    expect(refusal(shared())).toBe('accepted');
  });
});
