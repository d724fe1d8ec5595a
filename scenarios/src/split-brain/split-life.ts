import {
  type Cluster,
  connectionMembership,
  createCluster,
  leveledLogger,
  type Logger,
  type Membership,
  type NodeId,
  type Plugin,
  silentLogger,
} from '@quorate/core';
import { fixedMisses } from '@quorate/failure-detector';
import { leasedLocks } from '@quorate/lease';
import { heartbeatMembership } from '@quorate/membership-heartbeat';
import { swimMembership } from '@quorate/membership-swim';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import type { Host, World } from '@quorate/simulator';
import {
  downAll,
  keepMajority,
  keepOldest,
  leaseMajority,
  type SplitBrainDecision,
  splitBrainResolver,
  type SplitBrainStrategy,
  staticQuorum,
} from '@quorate/split-brain';

import { simulatedLeases } from '../leases/lease-client.ts';
import { LEASE_PORT, serveLeases } from '../leases/lease-server.ts';
import { LeaseTable } from '../leases/lease-table.ts';

export type StrategyName =
  | 'keepMajority'
  | 'listedMajority'
  | 'staticQuorum'
  | 'keepOldest'
  | 'leaseMajority'
  | 'downAll';
export type MembershipName = 'connection' | 'heartbeat' | 'swim';

/** A run of a node. */
export interface Run {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly decisions: SplitBrainDecision[];
  /** Whom it removed, and not taken back since. */
  readonly removed: () => readonly NodeId[];
}

const STABLE_AFTER_MS = 4_000;
const PORT = 7_000;

/** Nodes with a resolver each, and an engine of leases on a machine of its own. */
export class SplitLife {
  readonly engine: Host;
  readonly hosts: readonly Host[];
  readonly runs = new Map<NodeId, Run>();
  readonly #world: World;
  readonly #strategy: StrategyName;
  readonly #membership: MembershipName;
  readonly #table = new LeaseTable({ forgetful: false });
  readonly #network: ReturnType<typeof memoryNetwork>;

  constructor(world: World, ids: readonly NodeId[], strategy: StrategyName, membership: MembershipName) {
    this.#world = world;
    this.#strategy = strategy;
    this.#membership = membership;
    this.#network = memoryNetwork({ route: world.route });
    this.engine = world.host('engine');
    this.hosts = ids.map((id) => world.host(id));
  }

  startEngine(): void {
    if (!this.engine.running)
      this.engine.start(async (system) => serveLeases(system, this.#table, this.engine.address));
  }

  start(host: Host): void {
    this.runs.delete(host.name);
    if (host.running) host.crash();
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: host.name,
        bind: { host: host.address, port: PORT },
        insecure: true,
        seedNodes: this.hosts.map(({ address }) => ({ host: address, port: PORT })),
        transport: memoryTransport({ network: this.#network }),
        membership: this.#makeMembership(),
        locks: leasedLocks('locks', {
          open: () => simulatedLeases(system, { host: this.engine.address, port: LEASE_PORT }),
          leaseName: (_, lock) => lock,
          minTtlMs: 1_000,
          maxLocks: 10,
        }),
        system: { ...system, logger: this.#logger(host.name) },
      });
      await cluster.start();
      const decisions: SplitBrainDecision[] = [];
      const resolver = splitBrainResolver(cluster, {
        strategy: this.#makeStrategy(cluster),
        stableAfterMs: STABLE_AFTER_MS,
        downAllWhenUnstableMs: 15 * STABLE_AFTER_MS,
        onDecision: (decision) => decisions.push(decision),
      });
      this.runs.set(host.name, { host, cluster, decisions, removed: () => [...resolver.removed.keys()] });
    });
  }

  /** Whether all nodes run, and each sees each of them alive, in the run that it is. */
  isWhole(): boolean {
    const runs = [...this.runs.values()];
    const incarnationOf = (id: NodeId, by: Run) => by.cluster.membership.view.members.get(id)?.incarnation;
    return (
      runs.length === this.hosts.length &&
      this.surviving().length === runs.length &&
      runs.every((by) =>
        runs.every((run) => {
          const id = run.cluster.self.id;
          const member = by.cluster.membership.view.members.get(id);
          return member?.state === 'alive' && member.incarnation === incarnationOf(id, run);
        }),
      )
    );
  }

  /** Those that have neither gone down nor died, of these. */
  surviving(hosts: readonly Host[] = this.hosts): readonly NodeId[] {
    const isRunning = ({ name, running }: Host) => running && this.runs.get(name)?.cluster.status === 'running';
    return hosts.filter(isRunning).map(({ name }) => name);
  }

  describe(): string {
    const texts = [...this.runs].map(([id, { host, cluster, decisions }]) => {
      const members = [...cluster.membership.view.members.values()].map(({ node, state }) => `${node.id} ${state}`);
      return `${id} ${host.running ? cluster.status : 'dead'}, decided ${JSON.stringify(decisions)}, sees ${members.join(' ')}`;
    });
    return `${this.#strategy}, ${this.#membership}:\n${texts.join('\n')}`;
  }

  #makeMembership(): Plugin<Membership, 'membership'> {
    const intervalMs = 500;
    if (this.#membership === 'heartbeat') {
      return heartbeatMembership({ intervalMs, detector: fixedMisses({ intervalMs, missThreshold: 6 }) });
    }
    if (this.#membership === 'swim') return swimMembership({ datagrams: 'transport' });
    return connectionMembership({ unreachableAfterMs: 2_000 });
  }

  #makeStrategy({ locks }: Cluster): SplitBrainStrategy {
    switch (this.#strategy) {
      case 'keepMajority':
        return keepMajority();
      case 'listedMajority':
        return keepMajority({ members: this.hosts.map(({ name }) => name) });
      case 'staticQuorum':
        return staticQuorum({ size: Math.floor(this.hosts.length / 2) + 1 });
      case 'keepOldest':
        return keepOldest();
      case 'leaseMajority':
        return leaseMajority({ locks });
      case 'downAll':
        return downAll();
    }
  }

  #logger(name: string): Logger {
    const say = (text: string) => this.#world.note(`${name}: ${text}`);
    return leveledLogger({ ...silentLogger, error: say, warn: say }, 'warn');
  }
}
