import {
  type Cluster,
  createCluster,
  type Plugin,
  type Replicator,
  type ReplicatorContext,
  type Storage,
  type Transport,
} from '@quorate/core';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import {
  type OfflineNode,
  type RaftGroupOptions,
  raftReplicator,
  type SnapshotPolicyOptions,
  type SnapshotTransferOptions,
} from '../src/index.ts';
import { KeyValues, type KeyValueCommand } from './key-values.ts';

export type KeyValueReplicator = Replicator<KeyValueCommand, string, string, string | undefined>;

export interface StageOptions extends Partial<Omit<RaftGroupOptions, 'voters'>> {
  /** Real files on the simulated disk and real TCP on the simulated network, instead of what is in memory. */
  readonly real?: boolean;
  /** Who founds the group. @default all nodes */
  readonly founders?: readonly string[];
  /** Of a node of this name. @default a sound one */
  readonly machine?: (name: string) => KeyValues;
  readonly snapshotTransfer?: SnapshotTransferOptions;
  /** Told what a node's replicator is given: for groups beside the cluster's own. */
  readonly onContext?: (name: string, context: ReplicatorContext) => void;
}

/** Nodes with a replicated key-value store, each on a simulated host of its own. */
export class SimulatedCluster {
  readonly world: World;
  readonly names: readonly string[];
  readonly machines = new Map<string, KeyValues>();
  readonly #snapshots: SnapshotPolicyOptions;
  readonly #options: StageOptions;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #clusters = new Map<string, Cluster>();

  constructor(
    seed: string,
    names: readonly string[] = ['a', 'b', 'c'],
    snapshots: SnapshotPolicyOptions = {},
    options: StageOptions = {},
  ) {
    this.#snapshots = snapshots;
    this.#options = options;
    this.world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.names = names;
    this.#network = memoryNetwork({ route: this.world.route });
    for (const name of names) this.world.host(name);
  }

  host(name: string): Host {
    const host = this.world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  startAll(): void {
    for (const name of this.names) this.start(name);
  }

  start(name: string): void {
    const host = this.host(name);
    const { real = false, founders = this.names, machine: make = () => new KeyValues(), ...rest } = this.#options;
    const { onContext, ...group } = rest;
    host.start(async (system) => {
      const replicator = raftReplicator({
        ...group,
        voters: founders,
        snapshots: this.#snapshots,
        machine: () => {
          const machine = make(name);
          this.machines.set(name, machine);
          return machine;
        },
      });
      const cluster = createCluster({
        nodeId: name,
        bind: { host: host.address, port: 7000 },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 7000 })),
        system,
        logLevel: 'warn',
        insecure: real,
        transport: real ? tcpTransport() : memoryTransport({ network: this.#network }),
        storage: this.#storage(name),
        replicator: {
          ...replicator,
          create: (context) => {
            onContext?.(name, context);
            return replicator.create(context);
          },
        },
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
    });
  }

  crash(name: string): void {
    this.host(name).crash();
    this.#clusters.delete(name);
  }

  /** Does something with what a node has while its cluster does not run. */
  async offline<T>(name: string, act: (node: OfflineNode) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.host(name).start((system) => {
        act({ nodeId: name, system, storage: this.#storage(name) }).then(resolve, reject);
      });
    });
    try {
      return await this.soon(done);
    } finally {
      this.host(name).crash();
    }
  }

  /** Loses everything that this node has. */
  wipe(name: string): void {
    this.#disks.delete(name);
  }

  node(name: string): KeyValueReplicator {
    return this.#running(name).replicator as unknown as KeyValueReplicator;
  }

  /** For what a node would not say by itself. */
  transport(name: string): Transport {
    return this.#running(name).transport;
  }

  get live(): readonly string[] {
    return this.names.filter((name) => this.#clusters.get(name)?.status === 'running');
  }

  leader(): string | undefined {
    return this.live.find((name) => this.node(name).status().role === 'leader');
  }

  async elected(): Promise<string> {
    await this.world.runUntil(() => this.leader() !== undefined, 10_000);
    return this.leader() as string;
  }

  /** Runs the world until the promise is settled. */
  soon<T>(promise: Promise<T>, withinMs = 10_000): Promise<T> {
    return this.world.settled(promise, withinMs);
  }

  #storage(name: string): Plugin<Storage, 'storage'> {
    if (this.#options.real === true) return fileStorage({ directory: '/data', log: { segmentBytes: 256 * 1024 } });
    const disk = this.#disks.get(name) ?? memoryDisk();
    this.#disks.set(name, disk);
    return memoryStorage({ disk });
  }

  #running(name: string): Cluster {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} does not run`);
    return cluster;
  }
}
