import {
  BaseClusterDiscovery,
  type Charter,
  type Cluster,
  type Clock,
  type ClusterContext,
  ClusterError,
  createCluster,
  type DiscoveredNode,
  type IClusterDiscovery,
  type LookupAnswer,
  type LookupOptions,
  type Plugin,
  sleep,
} from '@quorate/core';
import {
  type MemoryDisk,
  memoryDisk,
  type MemoryRegistry,
  memoryDiscovery,
  memoryNetwork,
  memoryStorage,
  memoryTransport,
} from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';

import { clusterFormation, type ClusterFormationOptions } from '../src/index.ts';

const PORT = 7000;

/** What a source tells one node: of whom, or that it fails, and how late. */
export interface View {
  readonly names: readonly string[];
  readonly fails?: boolean;
  readonly delayMs?: number;
}

/** Nodes that look for their cluster, each with what a source tells it. */
export class FormingWorld {
  readonly world: World;
  readonly names: readonly string[];
  /** Charters that nodes came to know, by node, in the order of their runs. */
  readonly charters = new Map<string, Charter[]>();
  /** By node; all are told of all unless it is set. */
  readonly views = new Map<string, View>();
  /** Nodes whose claims don't get through to the source. */
  readonly unserved = new Set<string>();
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #options: ClusterFormationOptions;
  readonly #registry: MemoryRegistry | undefined;

  /** @param registry a source that can create if absent; without it, `views` are told */
  constructor(seed: string, names: readonly string[], options: ClusterFormationOptions, registry?: MemoryRegistry) {
    this.world = createWorld({ seed, link: { latencyMs: 1, jitterMs: 2 } });
    this.#network = memoryNetwork({ route: this.world.route });
    this.names = names;
    this.#options = options;
    this.#registry = registry;
    for (const name of names) {
      this.world.host(name);
      this.#disks.set(name, memoryDisk());
      this.charters.set(name, []);
    }
  }

  host(name: string): Host {
    const host = this.world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  cluster(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  /** Runs it once as a node of this cluster, which nothing has formed. */
  async belong(name: string, clusterId: string): Promise<void> {
    const host = this.host(name);
    host.start(async (system) => {
      const storage = memoryStorage({ disk: this.#disks.get(name) ?? memoryDisk() });
      const cluster = createCluster({ nodeId: name, clusterId, system, logLevel: 'silent', storage });
      await cluster.start();
    });
    await this.world.run(100);
    host.crash();
  }

  start(name: string, options: Partial<ClusterFormationOptions> = {}): void {
    const host = this.host(name);
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: name,
        bind: { host: host.address, port: PORT },
        system,
        logLevel: 'silent',
        timings: { startTimeoutMs: 3_600_000 },
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk: this.#disks.get(name) ?? memoryDisk() }),
        discovery: this.#registry === undefined ? this.#told(name) : this.#registered(name, this.#registry),
        formation: clusterFormation({ ...this.#options, ...options }),
        // It is made when the charter is known, and so tells of it at once.
        replicator: {
          name: 'witness',
          kind: 'replicator',
          requires: [],
          create: ({ cluster: { charter } }) => {
            if (charter !== undefined) this.charters.get(name)?.push(charter);
            return { start: async () => undefined, [Symbol.asyncDispose]: async () => undefined } as never;
          },
        },
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
    });
  }

  /** Whether this node, which is down, has ever accepted a charter. */
  async hasAccepted(name: string): Promise<boolean> {
    let record: string | undefined;
    this.host(name).start(async (system) => {
      const storage = memoryStorage({ disk: this.#disks.get(name) ?? memoryDisk() }).create({
        ...system,
        nodeId: name,
      });
      await storage.open();
      record = new TextDecoder().decode(await storage.records.read('formation'));
    });
    await this.world.run(100);
    return record?.includes('"accepted":{') === true;
  }

  wipe(name: string): void {
    this.#disks.set(name, memoryDisk());
  }

  /** How many clusters were ever formed. */
  get clusterIds(): ReadonlySet<string> {
    return new Set([...this.charters.values()].flat().map(({ clusterId }) => clusterId));
  }

  isFormed(names: readonly string[] = this.names): boolean {
    return names.every((name) => this.cluster(name)?.status === 'running');
  }

  #registered(name: string, registry: MemoryRegistry): Plugin<IClusterDiscovery, 'discovery'> {
    const plugin = memoryDiscovery({ registry });
    return {
      ...plugin,
      create: (context) => {
        const discovery = plugin.create(context);
        const claim = discovery.claim?.bind(discovery);
        discovery.claim = async (value, options) => {
          if (this.unserved.has(name)) throw new ClusterError('IO', 'the source is out of reach');
          return await claim?.(value, options);
        };
        return discovery;
      },
    };
  }

  #told(name: string): Plugin<IClusterDiscovery, 'discovery'> {
    const node = (other: string): DiscoveredNode => ({ host: this.host(other).address, port: PORT });
    return {
      name: 'discovery-told',
      kind: 'discovery',
      requires: [],
      create: (context) => new ToldDiscovery(context, () => this.views.get(name) ?? { names: this.names }, node),
    };
  }
}

class ToldDiscovery extends BaseClusterDiscovery {
  readonly #clock: Clock;
  readonly #view: () => View;
  readonly #node: (name: string) => DiscoveredNode;

  constructor(context: ClusterContext, view: () => View, node: (name: string) => DiscoveredNode) {
    super(context, 'discovery-told', { intervalMs: 500, timeoutMs: 2_000, backoff: { baseMs: 100, maxMs: 1_000 } });
    this.#clock = context.clock;
    this.#view = view;
    this.#node = node;
  }

  protected async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const { names, fails = false, delayMs = 0 } = this.#view();
    await sleep(this.#clock, delayMs, { signal });
    if (fails) throw new ClusterError('IO', 'the source fails');
    return names.map((name) => this.#node(name));
  }
}
