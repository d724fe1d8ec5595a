import { createCluster, type Cluster } from '@quorate/core';
import { majorityElection, type MajorityElectionOptions } from '@quorate/election-majority';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

const VOTERS = ['a', 'b', 'c'];

/** Nodes of one network, each with election options of its own. */
class Nodes {
  readonly world: World = createWorld({ seed: 1 });
  readonly #network = memoryNetwork({ route: this.world.route });
  readonly #disks = new Map<string, MemoryDisk>();
  readonly clusters = new Map<string, Cluster>();

  start(name: string, options: MajorityElectionOptions): Host {
    const host = this.world.hosts.find((each) => each.name === name) ?? this.world.host(name);
    const disk = this.#disks.get(name) ?? memoryDisk();
    this.#disks.set(name, disk);
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: name,
        bind: { host: host.address, port: 1 },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 1 })),
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk }),
        election: majorityElection(options),
        system,
      });
      this.clusters.set(name, cluster);
      await cluster.start();
    });
    return host;
  }

  get leaders(): readonly string[] {
    return [...this.clusters]
      .filter(([, cluster]) => cluster.status === 'running' && cluster.isLeader)
      .map(([name]) => name);
  }
}

describe('voters that go by other rules', () => {
  it.each<[string, MajorityElectionOptions]>([
    ['other timings', { voters: VOTERS, profile: 'fast' }],
    ['another allowance for drift', { voters: VOTERS, maxClockDrift: 0.1 }],
    ['other voters under the same generation', { voters: ['a', 'c', 'd'] }],
    ['another generation', { voters: { generation: 2, voters: VOTERS } }],
  ])('do not count for each other: %s', async (_, other) => {
    const nodes = new Nodes();
    nodes.start('a', { voters: VOTERS });
    nodes.start('c', other);
    await nodes.world.run(5000);
    expect(nodes.leaders).toEqual([]);
    nodes.start('b', { voters: VOTERS });
    await nodes.world.runUntil(() => nodes.leaders.length > 0, 40_000);
    expect(nodes.clusters.get('c')?.leader).toBeUndefined();
    expect(nodes.world.trace.text()).toMatch(/neither counts for the other|counts in generation/u);
  });
});

describe('a voter that comes back with shorter timings', () => {
  it('first outlasts what it may have promised under the longer ones', async () => {
    const nodes = new Nodes();
    const host = nodes.start('a', { voters: ['a'], profile: 'wan' });
    await nodes.world.runUntil(() => nodes.leaders.length > 0, 10_000);
    host.crash();
    nodes.clusters.clear();
    const crashed = nodes.world.now;
    nodes.start('a', { voters: ['a'], profile: 'fast' });
    await nodes.world.runUntil(() => nodes.leaders.length > 0, 10_000);
    expect(nodes.world.now - crashed).toBeGreaterThan(2500);
    host.crash();
    nodes.clusters.clear();
    const again = nodes.world.now;
    nodes.start('a', { voters: ['a'], profile: 'fast' });
    await nodes.world.runUntil(() => nodes.leaders.length > 0, 10_000);
    expect(nodes.world.now - again).toBeLessThan(500);
  });
});
