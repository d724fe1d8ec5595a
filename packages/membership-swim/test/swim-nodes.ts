import { type Cluster, type ClusterOptions, createCluster, type NodeId, type System } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { tcpTransport } from '@quorate/transport-tcp';

import { swimMembership, type SwimMembershipOptions } from '../src/index.ts';

const PORT = 7000;

/** Whole nodes of a simulated world, each called like its host. */
export class SwimNodes {
  readonly world: World;
  readonly #clusters = new Map<NodeId, Cluster>();

  constructor(seed: string) {
    this.world = createWorld({ seed, link: { latencyMs: 0.5, jitterMs: 0.5 } });
  }

  /** @param ids of nodes that know the addresses of the first two hosts */
  start(
    ids: readonly NodeId[],
    options: SwimMembershipOptions = {},
    parts: (id: NodeId, system: System) => Partial<ClusterOptions> = () => ({}),
  ): void {
    for (const id of ids) {
      const host = this.#find(id) ?? this.world.host(id);
      host.start(async (system) => {
        const cluster = createCluster({
          nodeId: id,
          bind: { host: host.address, port: PORT },
          secret: 'what only the tests know',
          seedNodes: this.world.hosts.slice(0, 2).map(({ address }) => ({ host: address, port: PORT })),
          transport: tcpTransport(),
          membership: swimMembership(options),
          logLevel: 'warn',
          system,
          ...parts(id, system),
        });
        this.#clusters.set(id, cluster);
        await cluster.start();
      });
    }
  }

  host(id: NodeId): Host {
    const host = this.#find(id);
    if (host === undefined) throw new Error(`there is no host ${id}`);
    return host;
  }

  cluster(id: NodeId): Cluster {
    const cluster = this.#clusters.get(id);
    if (cluster === undefined) throw new Error(`${id} was not started`);
    return cluster;
  }

  /** Those that a node sees in this state, in order. */
  seen(id: NodeId, state = 'alive'): readonly NodeId[] {
    const { members } = this.cluster(id).membership.view;
    return [...members.values()].flatMap((member) => (member.state === state ? [member.node.id] : [])).sort();
  }

  /** Waits until all of these see each other. */
  async agree(ids: readonly NodeId[], withinMs = 30_000): Promise<void> {
    const sorted = [...ids].sort().join();
    const isRunning = (id: NodeId): boolean => this.#clusters.get(id)?.status === 'running';
    await this.world.runUntil(() => ids.every((id) => isRunning(id) && this.seen(id).join() === sorted), withinMs);
  }

  #find(id: NodeId): Host | undefined {
    return this.world.hosts.find(({ name }) => name === id);
  }
}
