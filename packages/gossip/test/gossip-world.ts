import { type Cluster, createCluster, type Membership, type Plugin } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { createGossip, type Gossip, type GossipCluster, type GossipOptions } from '../src/index.ts';

export interface GossipWorldOptions {
  readonly seed: string | number;
  readonly names: readonly string[];
  readonly loss?: number;
  readonly membership: () => Plugin<Membership, 'membership'>;
  readonly options?: GossipOptions;
  readonly zoneOf?: (name: string) => string;
  /** Answers go in datagrams, as if nobody were connected. */
  readonly isApart?: boolean;
}

/** Whole nodes with gossip, in a simulated world. */
export class GossipWorld {
  readonly world: World;
  readonly #given: GossipWorldOptions;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #clusters = new Map<string, Cluster>();
  readonly #gossips = new Map<string, Gossip>();

  constructor(given: GossipWorldOptions) {
    this.#given = given;
    this.world = createWorld({ seed: given.seed, link: { latencyMs: 1, jitterMs: 2, loss: given.loss ?? 0 } });
    this.#network = memoryNetwork({ route: this.world.route });
    for (const name of given.names) this.world.host(name);
  }

  /** One whose nodes all run, and see each other. */
  static async open(given: GossipWorldOptions): Promise<GossipWorld> {
    const opened = new GossipWorld(given);
    for (const name of given.names) opened.start(name);
    await opened.meet();
    return opened;
  }

  host(name: string): Host {
    const host = this.world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  start(name: string): void {
    const seedNodes = this.world.hosts.map(({ address }) => `${address}:7000`);
    this.host(name).start(async (system) => {
      const cluster = createCluster({
        nodeId: name,
        bind: `${this.host(name).address}:7000`,
        zone: this.#given.zoneOf?.(name) ?? 'z',
        seedNodes,
        insecure: true,
        logLevel: 'silent',
        transport: memoryTransport({ network: this.#network }),
        membership: this.#given.membership(),
        system,
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
      this.prepare(name, createGossip(this.#given.isApart === true ? apart(cluster) : cluster, this.#given.options));
    });
  }

  /** Called with each gossip that is made. */
  prepare(name: string, gossip: Gossip): void {
    this.#gossips.set(name, gossip);
  }

  async stop(name: string): Promise<void> {
    await this.#gossips.get(name)?.[Symbol.asyncDispose]();
    this.#gossips.delete(name);
    await this.world.settled(this.cluster(name).stop(), 10_000);
  }

  crash(name: string): void {
    this.#gossips.delete(name);
    this.host(name).crash();
  }

  cluster(name: string): Cluster {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} never ran`);
    return cluster;
  }

  gossip(name: string): Gossip {
    const gossip = this.#gossips.get(name);
    if (gossip === undefined) throw new Error(`${name} has no gossip`);
    return gossip;
  }

  get live(): readonly string[] {
    return [...this.#gossips.keys()];
  }

  /** Runs until every live node sees all of these alive. */
  async meet(names: readonly string[] = this.#given.names): Promise<void> {
    const sees = (name: string) =>
      names.every((other) => this.cluster(name).membership.view.members.get(other)?.state === 'alive');
    await this.world.runUntil(() => this.live.length >= names.length && this.live.every(sees), 60_000);
  }

  /** Runs until something is so on every live node. */
  async everywhere(isSo: (gossip: Gossip, name: string) => boolean, withinMs = 120_000): Promise<void> {
    await this.world.runUntil(() => this.live.every((name) => isSo(this.gossip(name), name)), withinMs);
  }
}

/** The cluster as it looks to gossip where nobody is connected to who asks. */
function apart({ self, system, transport, membership }: Cluster): GossipCluster {
  const hidden = new Proxy(transport, {
    get: (target, name) => {
      if (name === 'peer') return () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { self, system, membership, transport: hidden };
}

/** Everything that an iteration gives from now on. */
export function gather<T>(source: AsyncIterable<T>): { readonly items: readonly T[]; readonly done: Promise<void> } {
  const items: T[] = [];
  const done = (async () => {
    for await (const item of source) items.push(item);
  })();
  return { items, done };
}
