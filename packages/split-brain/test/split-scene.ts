import { type Cluster, connectionMembership, createCluster, silentLogger } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';

import {
  type SplitBrainDecision,
  splitBrainResolver,
  type SplitBrainResolver,
  type SplitBrainResolverOptions,
} from '../src/index.ts';

/** A run of a node. */
export interface Node {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly resolver: SplitBrainResolver;
  /** As `remove d e`, `down minority`, and `over` when there are no more. */
  readonly decided: string[];
}

/** Nodes that see each other by their connections, each with a resolver, in a world of its own. */
export class SplitScene {
  readonly world: World;
  readonly nodes = new Map<string, Node>();
  readonly #options: SplitBrainResolverOptions;
  readonly #network: ReturnType<typeof memoryNetwork>;

  private constructor(seed: string, options: SplitBrainResolverOptions) {
    this.world = createWorld({ seed });
    this.#options = options;
    this.#network = memoryNetwork({ route: this.world.route });
  }

  static async open(seed: string, ids: string, options: SplitBrainResolverOptions): Promise<SplitScene> {
    const scene = new SplitScene(seed, { stableAfterMs: 5_000, ...options });
    for (const id of ids) scene.world.host(id);
    for (const id of ids) scene.start(id);
    await scene.sees(ids, ids);
    return scene;
  }

  node(id: string): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  hosts(ids: string): readonly Host[] {
    return this.world.hosts.filter(({ name }) => ids.includes(name));
  }

  start(id: string): void {
    const host = this.hosts(id)[0]!;
    this.nodes.delete(id);
    if (host.running) host.crash();
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: id,
        bind: { host: host.address, port: 7_000 },
        insecure: true,
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 7_000 })),
        transport: memoryTransport({ network: this.#network }),
        membership: connectionMembership({ unreachableAfterMs: 2_000 }),
        system: { ...system, logger: silentLogger },
      });
      await cluster.start();
      const resolver = splitBrainResolver(cluster, this.#options);
      const decided: string[] = [];
      this.nodes.set(id, { host, cluster, resolver, decided });
      for await (const decision of resolver.decisions()) decided.push(toText(decision));
      decided.push('over');
    });
  }

  partition(...sides: readonly string[]): void {
    for (const [at, side] of sides.entries()) {
      for (const other of sides.slice(at + 1)) this.world.partition(this.hosts(side), this.hosts(other));
    }
  }

  /** Waits until each of some sees just these alive. */
  async sees(ids: string, alive: string): Promise<void> {
    const aliveTo = (id: string) => {
      const members = this.nodes.get(id)?.cluster.membership.view.members.values() ?? [];
      return [...members].flatMap(({ node, state }) => (state === 'alive' ? [node.id] : [])).join('');
    };
    await this.world.runUntil(() => ids.split('').every((id) => aliveTo(id) === alive), 60_000);
  }

  decided(ids: string): readonly string[] {
    return ids.split('').map((id) => this.node(id).decided.join(', '));
  }

  statuses(ids: string): readonly string[] {
    return ids.split('').map((id) => this.node(id).cluster.status);
  }
}

function toText(decision: SplitBrainDecision): string {
  if (decision.type === 'down') return `down ${decision.reason}`;
  return `remove ${decision.nodes.map(({ id }) => id).join(' ')}`;
}
