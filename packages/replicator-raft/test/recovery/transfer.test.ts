import { describe, expect, it } from 'vitest';
import { raftMembers, raftOperations } from '../../src/index.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';

const NAMES = ['a', 'b', 'c'];

function transfer(cluster: SimulatedCluster, on: string, to: string, timeoutMs = 5000): Promise<void> {
  return cluster.soon(raftOperations(cluster.node(on)).transferLeadership(to, { timeoutMs }), 30_000);
}

describe('transferLeadership', () => {
  it.each([1, 2, 3, 4, 5])('has that node lead, whichever is asked, under writes (seed %i)', async (seed) => {
    const cluster = new SimulatedCluster(`transfer ${seed}`);
    cluster.startAll();
    let written = 0;
    const over = new AbortController();
    const write = async (name: string): Promise<void> => {
      while (!over.signal.aborted) {
        await cluster.node(name).replicate({ type: 'add', key: 'n', by: 1 });
        written += 1;
      }
    };
    await cluster.elected();
    const writers = NAMES.map((name) => write(name));
    for (const on of NAMES) {
      for (const to of NAMES) {
        await transfer(cluster, on, to);
        expect(cluster.node(to).status()).toMatchObject({ role: 'leader', leader: to });
        const { term } = cluster.node(to).status();
        // Asked for again, it is done.
        await transfer(cluster, on, to);
        expect(cluster.node(to).status().term).toBe(term);
      }
    }
    over.abort();
    await cluster.soon(Promise.all(writers));
    expect(await cluster.soon(cluster.node('b').read('n', { consistency: 'linearizable' }))).toBe(String(written));
  });

  it('is refused where the leader reaches no such voter, and all stays as it is', async () => {
    const cluster = new SimulatedCluster('nobody', [...NAMES, 'd'], {}, { founders: NAMES });
    cluster.startAll();
    const leader = await cluster.elected();
    await cluster.soon(raftMembers(cluster.node(leader)).addNode('d', { as: 'learner' }), 30_000);
    const away = NAMES.find((name) => name !== leader) as string;
    const third = NAMES.find((name) => name !== leader && name !== away) as string;
    cluster.crash(away);
    for (const to of ['nobody', 'd', away]) {
      for (const on of [leader, third]) {
        await expect(transfer(cluster, on, to)).rejects.toMatchObject({ code: 'NOT_FOUND', outcome: 'not-applied' });
      }
    }
    expect(cluster.leader()).toBe(leader);
    await transfer(cluster, leader, third);
    expect(cluster.leader()).toBe(third);
  });

  it('is refused where priorities would bring the leader back', async () => {
    const cluster = new SimulatedCluster('wanted', NAMES, {}, { priorities: { a: 1 } });
    cluster.startAll();
    await cluster.world.runUntil(() => cluster.leader() === 'a', 20_000);
    await expect(transfer(cluster, 'b', 'c')).rejects.toMatchObject({ code: 'REFUSED' });
    expect(cluster.leader()).toBe('a');
  });

  it('waits for a leader, for as long as it is told to', async () => {
    const cluster = new SimulatedCluster('patience');
    cluster.startAll();
    const leader = await cluster.elected();
    const [one, other] = NAMES.filter((name) => name !== leader) as [string, string];
    cluster.crash(leader);
    await transfer(cluster, one, other);
    expect(cluster.leader()).toBe(other);
    cluster.crash(other);
    await cluster.world.run(5000);
    await expect(transfer(cluster, one, one)).rejects.toMatchObject({ code: 'NOT_LEADER' });
  });

  it('takes no nonsense', async () => {
    const cluster = new SimulatedCluster('nonsense');
    cluster.startAll();
    await cluster.elected();
    await expect(transfer(cluster, 'a', 'b', 0)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const signal = AbortSignal.abort();
    const call = raftOperations(cluster.node('a')).transferLeadership('b', { signal });
    await expect(cluster.soon(call)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
