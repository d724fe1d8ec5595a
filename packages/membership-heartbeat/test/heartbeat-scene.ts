import { type Cluster, createCluster, type Member, type MembershipChange, silentLogger } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type LinkOptions, type World } from '@quorate/simulator';

import { heartbeatMembership, type HeartbeatMembershipOptions } from '../src/index.ts';

export interface Node {
  readonly host: Host;
  cluster: Cluster;
  /** What it was told in this run, as `suspected b`. */
  readonly told: string[];
}

export interface SceneOptions {
  readonly membership?: HeartbeatMembershipOptions;
  readonly link?: LinkOptions;
}

/** Clusters of nodes with heartbeats, in a world of their own. */
export class HeartbeatScene {
  readonly world: World;
  readonly nodes = new Map<string, Node>();
  /** One-way messages so far, all of which are heartbeats, and their bytes. */
  sent = 0;
  sentBytes = 0;
  readonly #options: SceneOptions;
  readonly #network: ReturnType<typeof memoryNetwork>;

  constructor(seed: string, options: SceneOptions = {}) {
    this.world = createWorld({ seed, link: options.link ?? {} });
    this.#options = options;
    this.#network = memoryNetwork({
      route: (message) => {
        this.sent += message.lossy ? 1 : 0;
        this.sentBytes += message.lossy ? message.bytes : 0;
        this.world.route(message);
      },
    });
  }

  node(id: string): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  hosts(...ids: readonly string[]): readonly Host[] {
    return ids.map((id) => this.node(id).host);
  }

  start(...ids: readonly string[]): void {
    for (const id of ids) {
      const host = this.nodes.get(id)?.host ?? this.world.host(id);
      this.nodes.delete(id);
      const known = this.world.hosts.map(({ address }) => ({ host: address, port: 7000 }));
      host.start(async (system) => {
        const cluster = createCluster({
          nodeId: id,
          bind: { host: host.address, port: 7000 },
          insecure: true,
          seedNodes: known,
          transport: memoryTransport({ network: this.#network }),
          membership: heartbeatMembership(this.#options.membership),
          system: { ...system, logger: silentLogger },
        });
        const node: Node = { host, cluster, told: [] };
        this.nodes.set(id, node);
        await cluster.start();
        void this.#listen(node);
      });
    }
  }

  async #listen({ cluster, told }: Node): Promise<void> {
    for await (const change of cluster.membership.watch()) told.push(toText(change));
  }

  member(id: string, seenBy: string): Member | undefined {
    return this.node(seenBy).cluster.membership.view.members.get(id);
  }

  /** As `a alive, b suspect`. */
  states(seenBy: string): string {
    const { members } = this.node(seenBy).cluster.membership.view;
    return [...members].map(([id, { state }]) => `${id} ${state}`).join(', ');
  }

  /** Whether all who run see each other, and nobody else, as alive, and in this run of theirs. */
  isWhole(): boolean {
    const running = [...this.nodes].filter(([, { host }]) => host.running).map(([id]) => id);
    const expected = running.sort().map((id) => `${id} alive`);
    const runs = (seenBy: string) => running.map((id) => this.member(id, seenBy)?.incarnation).join(' ');
    const own = running.map((id) => this.member(id, id)?.incarnation).join(' ');
    return running.every((id) => this.states(id) === expected.join(', ') && runs(id) === own);
  }

  async whole(withinMs = 60_000): Promise<void> {
    const isStarted = () =>
      [...this.world.hosts].every(({ name }) => this.nodes.get(name)?.cluster.status === 'running');
    await this.world.runUntil(isStarted, 10_000);
    await this.world.runUntil(() => this.isWhole(), withinMs);
  }
}

function toText(change: MembershipChange): string {
  const reason = 'reason' in change ? ` ${change.reason}` : '';
  return `${change.type} ${change.member.node.id}${reason}`;
}
