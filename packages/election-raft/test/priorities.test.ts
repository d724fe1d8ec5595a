import { type Cluster, createCluster, type System } from '@quorate/core';
import { memoryDisk, type MemoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { raftElection } from '../src/index.ts';

const VOTERS = ['a', 'b', 'c'];
const PRIORITIES = { c: 2, b: 1 };

/** Nodes whose election has priorities. */
class Trio {
  readonly world: World;
  readonly #hosts: readonly Host[];
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #clusters = new Map<Host, Cluster>();
  readonly #disks = new Map<string, MemoryDisk>(VOTERS.map((id) => [id, memoryDisk()]));

  constructor(seed: string) {
    this.world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.#network = memoryNetwork({ route: this.world.route });
    this.#hosts = VOTERS.map((id) => this.world.host(id));
    for (const id of VOTERS) this.start(id);
  }

  host(id: string): Host {
    return this.#hosts.find(({ name }) => name === id) as Host;
  }

  node(id: string): Cluster {
    return this.#clusters.get(this.host(id)) as Cluster;
  }

  start(id: string, campaign: boolean = true): void {
    const host = this.host(id);
    host.start(async (system: System) => {
      const cluster = createCluster({
        nodeId: id,
        campaign,
        bind: { host: host.address, port: 7000 },
        seedNodes: this.#hosts.map(({ address }) => ({ host: address, port: 7000 })),
        system,
        logLevel: 'silent',
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk: this.#disks.get(id) as MemoryDisk }),
        election: raftElection({ voters: VOTERS, priorities: PRIORITIES }),
      });
      this.#clusters.set(host, cluster);
      await cluster.start();
    });
  }

  get leader(): string | undefined {
    return [...this.#clusters].find(([host, { isLeader }]) => host.running && isLeader)?.[0].name;
  }

  async ledBy(id: string): Promise<void> {
    await this.world.runUntil(() => this.leader === id, 20_000);
    await this.world.run(5000);
    expect(this.leader).toBe(id);
  }
}

describe('priorities', () => {
  it.each([1, 2, 3])('make the highest that is there leader, and again when it is back (seed %i)', async (seed) => {
    const trio = new Trio(`priorities ${seed}`);
    await trio.ledBy('c');
    trio.host('c').crash();
    await trio.ledBy('b');
    trio.start('c');
    await trio.ledBy('c');
  });

  it('count only among those that campaign', async () => {
    const trio = new Trio('campaign');
    await trio.ledBy('c');
    trio.host('c').crash();
    trio.start('c', false);
    await trio.ledBy('b');
  });
});
