import { type Cluster, type ClusterOptions, createCluster } from '@quorate/core';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import type { TallyReplicator } from './tally.ts';

const PORT = 7000;

/** Nodes of one network, each with parts of its own choice, on disks that outlive them. */
export class ComposedNodes {
  readonly world: World;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #clusters = new Map<string, Cluster<TallyReplicator>>();

  constructor(seed: string, names: readonly string[] = ['a', 'b', 'c']) {
    this.world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.#network = memoryNetwork({ route: this.world.route });
    for (const name of names) this.world.host(name);
  }

  get names(): readonly string[] {
    return this.world.hosts.map(({ name }) => name);
  }

  /** @param parts beside transport and storage */
  startAll(parts: (name: string) => Partial<ClusterOptions<TallyReplicator>>): void {
    for (const name of this.names) this.start(name, parts(name));
  }

  start(name: string, parts: Partial<ClusterOptions<TallyReplicator>>): void {
    const host = this.host(name);
    const disk = this.#disks.get(name) ?? memoryDisk();
    this.#disks.set(name, disk);
    host.start(async (system) => {
      const cluster = createCluster<TallyReplicator>({
        nodeId: name,
        bind: { host: host.address, port: PORT },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: PORT })),
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk }),
        logLevel: 'warn',
        system,
        ...parts,
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
    });
  }

  host(name: string): Host {
    const host = this.world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  crash(name: string): void {
    this.host(name).crash();
    this.#clusters.delete(name);
  }

  get(name: string): Cluster<TallyReplicator> {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} does not run`);
    return cluster;
  }

  get running(): readonly string[] {
    return this.names.filter((name) => this.#clusters.get(name)?.status === 'running');
  }

  /** Who holds the grant. */
  get leader(): string | undefined {
    return this.running.find((name) => this.get(name).isLeader);
  }

  /** Who leads the group that replicates. */
  get groupLeader(): string | undefined {
    return this.running.find((name) => this.get(name).replicator.status().role === 'leader');
  }

  until(condition: () => boolean, withinMs: number = 10_000): Promise<void> {
    return this.world.runUntil(condition, withinMs);
  }

  /** Runs the world until the promise is settled. */
  soon<T>(promise: Promise<T>, withinMs: number = 10_000): Promise<T> {
    return this.world.settled(promise, withinMs);
  }

  /** Adds to the tally at one node. */
  add(name: string, by: number = 1): Promise<number> {
    return this.soon(this.get(name).replicator.replicate(by));
  }

  /** Reads the tally at one node, as of now. */
  read(name: string): Promise<number> {
    return this.soon(this.get(name).replicator.read(undefined, { consistency: 'linearizable' }));
  }
}
