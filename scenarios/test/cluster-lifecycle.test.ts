import { type Cluster, type ClusterOptions, createCluster } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { memoryDiscovery, memoryNetwork, memoryRegistry, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

const PORT = 7_000;
const IDS = ['a', 'b', 'c'];

/** A cluster of three on its own hosts of a world, that finds itself by discovery. */
class Trio {
  readonly clusters = new Map<string, Cluster>();
  /** As one node heard them: `a heard joined b`. */
  readonly news: string[] = [];
  readonly #world: World;
  readonly #name: string;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly registry: ReturnType<typeof memoryRegistry> = memoryRegistry();

  constructor(
    world: World,
    name = 'trio',
    network: ReturnType<typeof memoryNetwork> = memoryNetwork({ route: world.route }),
  ) {
    this.#world = world;
    this.#name = name;
    this.#network = network;
  }

  host(id: string): Host {
    const name = `${this.#name}-${id}`;
    return this.#world.hosts.find((host) => host.name === name) ?? this.#world.host(name);
  }

  start(id: string, options: Partial<ClusterOptions> = {}): void {
    const host = this.host(id);
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: id,
        name: this.#name,
        bind: { host: host.address, port: PORT },
        timings: { unreachableAfterMs: 2_000 },
        system,
        transport: memoryTransport({ network: this.#network }),
        discovery: memoryDiscovery({ registry: this.registry }),
        election: majorityElection({ voters: IDS, volatileVotes: true }),
        ...options,
      });
      this.clusters.set(id, cluster);
      this.#listen(id, cluster);
      await cluster.start();
    });
  }

  get(id: string): Cluster {
    const cluster = this.clusters.get(id);
    if (cluster === undefined) throw new Error(`${id} was not started`);
    return cluster;
  }

  get leader(): string | undefined {
    return [...this.clusters].find(([, cluster]) => cluster.isLeader)?.[0];
  }

  /** Whether these, and no others, are alive in the eyes of each of them. */
  seesEachOther(ids: readonly string[]): boolean {
    return ids.every((id) => {
      const alive = this.clusters.get(id)?.nodes.filter(({ state }) => state === 'alive') ?? [];
      return alive.map(({ node }) => node.id).join() === ids.join();
    });
  }

  #listen(id: string, cluster: Cluster): void {
    cluster.on('nodeJoined', ({ node }) => this.news.push(`${id} heard joined ${node.id}`));
    cluster.on('nodeLeft', ({ node }) => this.news.push(`${id} heard left ${node.id}`));
    cluster.on('nodeFailed', ({ node }) => this.news.push(`${id} heard failed ${node.id}`));
    cluster.on('leadershipAcquired', () => this.news.push(`${id} leads`));
    cluster.on('leadershipLost', () => this.news.push(`${id} leads no longer`));
  }
}

async function formed(world: World, trio = new Trio(world)): Promise<Trio> {
  for (const id of IDS) trio.start(id);
  await world.runUntil(() => trio.seesEachOther(IDS) && trio.leader !== undefined, 60_000);
  return trio;
}

describe('a cluster of three in memory', () => {
  it('forms by discovery alone and elects one leader', async () => {
    const world = createWorld({ seed: 1 });
    const trio = await formed(world);
    const leader = trio.leader;
    await world.runUntil(() => IDS.every((id) => trio.get(id).leader?.nodeId === leader), 5_000);
    expect(IDS.filter((id) => trio.get(id).isLeader)).toEqual([leader]);
    for (const id of IDS) {
      const others = IDS.filter((other) => other !== id);
      const joined = trio.news.filter((line) => line.startsWith(`${id} heard joined`)).sort();
      expect(joined).toEqual(others.map((other) => `${id} heard joined ${other}`));
    }
  });

  it('hears of a node that leaves, hands leadership over, and takes it back', async () => {
    const world = createWorld({ seed: 2 });
    const trio = await formed(world);
    // Heartbeats tell the leader who could follow it.
    await world.run(1_000);
    const leader = trio.leader ?? '';
    const rest = IDS.filter((id) => id !== leader);
    trio.news.length = 0;
    const leaving = trio.get(leader);
    leaving.on('stateChanged', ({ status }) => trio.news.push(`${leader} is ${status}`));
    await world.settled(leaving.stop(), 10_000);
    await world.runUntil(() => rest.every((id) => trio.news.includes(`${id} heard left ${leader}`)), 5_000);
    await world.runUntil(() => rest.includes(trio.leader ?? ''), 5_000);
    const order = [`${leader} is stopping`, `${leader} leads no longer`, `${leader} is stopped`];
    expect(trio.news.filter((line) => order.includes(line))).toEqual(order);
    // Another led before the one that left had closed its connections.
    const next = trio.news.findIndex((line) => rest.some((id) => line === `${id} leads`));
    expect(next).toBeGreaterThan(-1);
    expect(next).toBeLessThan(trio.news.findIndex((line) => line.endsWith(`heard left ${leader}`)));
    expect(trio.registry.nodes.map(({ id }) => id)).toEqual(rest);
    trio.host(leader).crash();
    trio.start(leader);
    await world.runUntil(() => trio.seesEachOther(IDS), 60_000);
    expect(trio.news.filter((line) => line === `${rest[0]} heard joined ${leader}`)).toHaveLength(1);
  });

  it('hears that a node failed, some time after it crashed, and elects another leader', async () => {
    const world = createWorld({ seed: 3 });
    const trio = await formed(world);
    const leader = trio.leader ?? '';
    const rest = IDS.filter((id) => id !== leader);
    trio.host(leader).crash();
    trio.clusters.delete(leader);
    const crashed = world.now;
    await world.runUntil(() => rest.includes(trio.leader ?? ''), 10_000);
    await world.runUntil(() => rest.every((id) => trio.news.includes(`${id} heard failed ${leader}`)), 20_000);
    expect(world.now - crashed).toBeGreaterThanOrEqual(2_000);
    expect(trio.get(rest[0] ?? '').nodes.find(({ node }) => node.id === leader)?.state).toBe('unreachable');
  });

  it('starts without the others and without its registry, and joins them later', async () => {
    const world = createWorld({ seed: 4 });
    const trio = new Trio(world);
    trio.start('a');
    await world.runUntil(() => trio.clusters.get('a')?.status === 'running', 1_000);
    await world.run(5_000);
    expect([trio.leader, trio.get('a').nodes.length]).toEqual([undefined, 1]);
    trio.start('b');
    trio.start('c');
    await world.runUntil(() => trio.seesEachOther(IDS) && trio.leader !== undefined, 60_000);
  });

  it('is silent once all have stopped, and registered nowhere', async () => {
    const world = createWorld({ seed: 5 });
    const trio = await formed(world);
    for (const id of IDS) await world.settled(trio.get(id).stop(), 20_000);
    await world.run(1_000);
    const before = world.trace.hash;
    await world.run(600_000);
    expect([world.trace.hash === before, IDS.map((id) => trio.get(id).status)]).toEqual([
      true,
      ['stopped', 'stopped', 'stopped'],
    ]);
    expect(trio.registry.nodes).toEqual([]);
  });

  it('keeps apart from another cluster of the same program, ids and all', async () => {
    const world = createWorld({ seed: 6 });
    const network = memoryNetwork({ route: world.route });
    const one = await formed(world, new Trio(world, 'one', network));
    const two = await formed(world, new Trio(world, 'two', network));
    // A wrong seed leads to a node of the other cluster: it is refused, and nobody is confused.
    const host = one.host('b');
    two.get('a').transport.addContact({ host: host.address, port: PORT });
    const leader = two.leader;
    for (const id of IDS) await world.settled(one.get(id).stop(), 20_000);
    await world.run(20_000);
    expect([two.seesEachOther(IDS), two.leader]).toEqual([true, leader]);
    expect(two.get('a').transport.peers.map(({ node }) => node.host)).not.toContain(host.address);
    expect(two.news.filter((line) => line.includes('failed') || line.includes('left'))).toEqual([]);
  });
});

it('one seed gives one life', async () => {
  const hashes: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    const world = createWorld({ seed: 'life', link: { latencyMs: 0.5, jitterMs: 3, loss: 0.05 } });
    await formed(world);
    await world.run(2_000);
    hashes.push(world.trace.hash);
  }
  expect(hashes[0]).toBe(hashes[1]);
});
