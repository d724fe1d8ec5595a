import { isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { SimulatedCluster, type StageOptions } from './simulated-cluster.ts';

const REAL: StageOptions = { real: true };

/** A cluster with a leader, and a written `x`. */
async function stage(
  seed: string,
  more: { readonly names?: readonly string[]; readonly every?: number; readonly options?: StageOptions } = {},
): Promise<{ readonly cluster: SimulatedCluster; readonly leader: string; readonly others: readonly string[] }> {
  const { names = ['a', 'b', 'c'], every = 100_000, options = REAL } = more;
  const cluster = new SimulatedCluster(seed, names, { everyEntries: every, keepEntries: 2 }, options);
  watchTerms(cluster);
  cluster.startAll();
  const leader = await cluster.elected();
  await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'first' }));
  return { cluster, leader, others: names.filter((name) => name !== leader) };
}

/** At most one node leads in a term, at every step of the world. */
function watchTerms(cluster: SimulatedCluster): void {
  const leaders = new Map<bigint, string>();
  cluster.world.onStep(() => {
    for (const name of cluster.live) {
      const { role, term } = cluster.node(name).status();
      if (role !== 'leader') continue;
      const known = leaders.get(term);
      if (known !== undefined && known !== name) throw new Error(`${known} and ${name} both lead in term ${term}`);
      leaders.set(term, name);
    }
  });
}

function term(cluster: SimulatedCluster, name: string): bigint {
  return cluster.node(name).status().term;
}

async function replacedBy(cluster: SimulatedCluster, others: readonly string[]): Promise<string> {
  const leads = () =>
    others.find((name) => cluster.live.includes(name) && cluster.node(name).status().role === 'leader');
  await cluster.world.runUntil(() => leads() !== undefined, 10_000);
  return leads() as string;
}

/** All that run come to the same values. */
async function converged(cluster: SimulatedCluster): Promise<void> {
  const states = () =>
    new Set(
      cluster.live.map((name) =>
        JSON.stringify([...(cluster.machines.get(name)?.values ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ),
    );
  await cluster.world.runUntil(() => states().size === 1, 20_000);
}

describe('scenarios that broke others', () => {
  it('a leader cut off from one follower only keeps leading, in its term (Cloudflare, 2020-11-02)', async () => {
    const { cluster, leader, others } = await stage('one link');
    const before = term(cluster, leader);
    cluster.world.partition(cluster.host(leader), cluster.host(others[0] as string));
    for (let n = 0; n < 30; n += 1) {
      await cluster.soon(cluster.node(leader).replicate({ type: 'add', key: 'n', by: 1 }));
      await cluster.world.run(300);
    }
    expect([cluster.leader(), term(cluster, leader)]).toEqual([leader, before]);
    cluster.world.heal();
    await converged(cluster);
    expect(term(cluster, leader)).toBe(before);
  });

  it('one-way partitions held for ever: whoever can work goes on without the one who is half deaf or half mute', async () => {
    for (const direction of ['deaf', 'mute'] as const) {
      const { cluster, leader, others } = await stage(`one way ${direction}`);
      const hosts = others.map((name) => cluster.host(name));
      if (direction === 'deaf') cluster.world.block(hosts, cluster.host(leader));
      else cluster.world.block(cluster.host(leader), hosts);
      const next = await replacedBy(cluster, others);
      await cluster.soon(cluster.node(next).replicate({ type: 'put', key: 'x', value: 'second' }));
      const settled = term(cluster, next);
      await cluster.world.run(10_000);
      expect([cluster.node(next).status().role, term(cluster, next)]).toEqual(['leader', settled]);
      expect(await cluster.soon(cluster.node(next).read('x', { consistency: 'linearizable' }))).toBe('second');
    }
  });

  it('a follower that hears nobody but is heard does not depose the leader again and again', async () => {
    const { cluster, leader, others } = await stage('deaf follower');
    const before = term(cluster, leader);
    cluster.world.block(
      cluster.world.hosts.filter(({ name }) => name !== others[0]),
      cluster.host(others[0] as string),
    );
    await cluster.world.run(10_000);
    expect([cluster.leader(), term(cluster, leader)]).toEqual([leader, before]);
    cluster.world.heal();
    await converged(cluster);
  });

  it('a returning ex-leader gives up what was not committed, and says so', async () => {
    const { cluster, leader, others } = await stage('ex-leader');
    cluster.world.partition(
      cluster.host(leader),
      others.map((name) => cluster.host(name)),
    );
    const lost = cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'lost' }, { timeoutMs: 30_000 });
    const outcome = lost.then(
      () => 'applied',
      (error: unknown) => (isClusterError(error) ? error.outcome : error),
    );
    const next = await replacedBy(cluster, others);
    for (let n = 0; n < 5; n += 1)
      await cluster.soon(cluster.node(next).replicate({ type: 'put', key: 'x', value: `kept ${n}` }));
    cluster.world.heal();
    expect(await cluster.soon(outcome, 40_000)).toBe('not-applied');
    await converged(cluster);
    expect(cluster.machines.get(leader)?.values.get('x')).toBe('kept 4');
  });

  it('lease under a paused leader: what it reads afterwards is not stale', async () => {
    const { cluster, leader, others } = await stage('paused', { options: { real: true, maxClockDrift: 0.01 } });
    expect(await cluster.soon(cluster.node(leader).read('x', { consistency: 'lease' }))).toBe('first');
    cluster.host(leader).pause();
    const next = await replacedBy(cluster, others);
    await cluster.soon(cluster.node(next).replicate({ type: 'put', key: 'x', value: 'second' }));
    // Asked before anything that arrived meanwhile is dealt with.
    const read = cluster.node(leader).read('x', { consistency: 'lease' });
    cluster.host(leader).resume();
    expect(await cluster.soon(read)).toBe('second');
  });

  it('a disk that stalls while heartbeats flow: leadership goes to another, and commands go on', async () => {
    const { cluster, leader, others } = await stage('stalled disk');
    cluster.host(leader).disk.fail({ stallMs: 60_000 });
    const write = cluster.node(leader).replicate({ type: 'put', key: 'y', value: 'slow' }, { timeoutMs: 120_000 });
    const next = await replacedBy(cluster, others);
    await cluster.soon(cluster.node(next).replicate({ type: 'put', key: 'x', value: 'second' }), 2_000);
    await cluster.world.run(5_000);
    expect(cluster.node(leader).status().role).not.toBe('leader');
    cluster.host(leader).disk.recover();
    await cluster.soon(
      write.catch(() => undefined),
      150_000,
    );
    await converged(cluster);
  });

  it('two snapshots in quick succession, while a follower gets the first', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { cluster, leader, others } = await stage(`snapshots ${round}`, { every: 5 });
      const away = others[0] as string;
      cluster.crash(away);
      const write = (n: number) =>
        cluster.soon(cluster.node(leader).replicate({ type: 'put', key: `k${n}`, value: 'v'.repeat(2_000) }));
      for (let n = 0; n < 40; n += 1) await write(n);
      cluster.start(away);
      for (let n = 40; n < 80; n += 1) await write(n);
      await converged(cluster);
      expect(cluster.machines.get(away)?.values.size).toBe(81);
    }
  });

  it('a duplicate client retry across a change of leader takes effect once', async () => {
    for (let round = 0; round < 12; round += 1) {
      const { cluster, leader, others } = await stage(`retry ${round}`);
      const client = cluster.node(others[0] as string);
      const session = await cluster.soon(client.openSession());
      const calls = Array.from({ length: 5 }, () =>
        session.replicate({ type: 'add', key: 'n', by: 1 }, { timeoutMs: 20_000 }),
      );
      await cluster.world.run(round * 0.6);
      cluster.crash(leader);
      const results = await cluster.soon(Promise.all(calls), 30_000);
      expect(results.map(Number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
      expect(await cluster.soon(client.read('n', { consistency: 'linearizable' }))).toBe('5');
    }
  });

  it('a crash between any two steps of the disk in an election: never two leaders in a term, nothing lost', async () => {
    for (let step = 1; step <= 6; step += 1) {
      const { cluster, leader, others } = await stage(`vote ${step}`);
      const victim = others[step % 2] as string;
      cluster.host(victim).crashAtDiskOperation(step);
      cluster.crash(leader);
      // Whoever is elected first has something to write, so that the step comes.
      const survivor = cluster.node(others.find((name) => name !== victim) as string);
      survivor.replicate({ type: 'put', key: 'y', value: 'perhaps' }).catch(() => undefined);
      await cluster.world.runUntil(() => !cluster.host(victim).running, 5_000);
      cluster.crash(victim);
      cluster.start(victim);
      cluster.start(leader);
      const next = await cluster.elected();
      expect(await cluster.soon(cluster.node(next).read('x', { consistency: 'linearizable' }))).toBe('first');
      await converged(cluster);
    }
  });

  it('a read at a leader that has not committed in its term yet sees what the last one acknowledged', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { cluster, leader, others } = await stage(`first read ${round}`);
      for (let n = 0; n <= round; n += 1) {
        await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: `last ${n}` }));
      }
      cluster.crash(leader);
      const next = await replacedBy(cluster, others);
      // In the very step in which it has become leader.
      expect(await cluster.soon(cluster.node(next).read('x', { consistency: 'linearizable' }))).toBe(`last ${round}`);
    }
  });

  it('reads with contexts of an earlier run of a node are not answered by answers to those', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { cluster, leader, others } = await stage(`contexts ${round}`);
      const reader = others[0] as string;
      cluster.world.setLink(cluster.host(leader), cluster.host(reader), { latencyMs: 20, jitterMs: 20 });
      void cluster
        .node(reader)
        .read('x', { consistency: 'linearizable' })
        .catch(() => undefined);
      await cluster.world.run(2);
      cluster.crash(reader);
      cluster.start(reader);
      await cluster.world.runUntil(() => cluster.live.includes(reader), 5_000);
      await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'second' }));
      expect(await cluster.soon(cluster.node(reader).read('x', { consistency: 'linearizable' }))).toBe('second');
    }
  });
});
