import { forwardToLeader } from '@quorate/coordination';
import { type Cluster, type ClusterOptions, createCluster, type Logger, type System } from '@quorate/core';
import { multicastDiscovery } from '@quorate/discovery-multicast';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { clusterFormation } from '@quorate/formation';
import { raftLocks } from '@quorate/lock-raft';
import { heartbeatMembership } from '@quorate/membership-heartbeat';
import { swimMembership } from '@quorate/membership-swim';
import { raftReplicator } from '@quorate/replicator-raft';
import type { Host, World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { Tally, type TallyReplicator } from '../tally.ts';
import type { EchoTraffic } from './echo-traffic.ts';
import { beginGossip } from './gossip-traffic.ts';
import { type Tap, tappedSystem } from './tapped-system.ts';

export const PORT = 7000;
/** Names that no single slip makes one of another. */
export const HONEST: readonly string[] = ['alpha', 'bravo', 'charlie'];
export const MALLORY = 'mallory';
const SMALL_SNAPSHOTS = { everyEntries: 30, keepEntries: 5, keepBytes: 4096 };
/** So that a short life has much of it. */
const QUICK_GOSSIP = { probeIntervalMs: 100, gossipIntervalMs: 20 };
const FORMATION = { expectedNodes: 3, marginMs: 300, lookEveryMs: 100 };
const HEARTBEAT_MS = 100;
const CALL_EVERY_MS = 100;
/** Low, so that they are met. */
const LIMITS = { maxQueueBytes: 256 * 1024, maxPendingConnections: 32, maxRequests: 64, maxStreams: 8, maxPeers: 8 };

/** What the nodes elect with, and who votes. */
export interface FuzzedParts {
  readonly election: 'raft' | 'majority';
  readonly voters: readonly string[];
  /** Who is there: who is connected, whose heartbeat is heard, or who is told of. */
  readonly membership: 'connections' | 'heartbeats' | 'gossip';
  /** Whether they form the cluster themselves. */
  readonly forms: boolean;
  /** Undefined: nothing is authenticated. */
  readonly secret: string | undefined;
}

type FuzzedCluster = Cluster<TallyReplicator>;

/** Nodes with everything that listens, on simulated machines; all of them ask each other for something all the time. */
export class FuzzedNodes {
  /** How many lines each has logged. */
  readonly lines = new Map<string, number>();
  /** How many commands were applied for honest nodes. */
  commands = 0;
  readonly #world: World;
  readonly #parts: FuzzedParts;
  readonly #echo: EchoTraffic;
  readonly #clusters = new Map<string, FuzzedCluster>();

  constructor(world: World, parts: FuzzedParts, echo: EchoTraffic) {
    this.#world = world;
    this.#parts = parts;
    this.#echo = echo;
    for (const name of [...HONEST, MALLORY]) world.host(name);
  }

  /**
   * @param tap of the one that lies
   * @param ear of those that don't
   */
  startAll(tap: Tap, ear: Tap): void {
    for (const name of HONEST) this.start(name, ear);
    this.start(MALLORY, tap);
  }

  /** @param tap through which it speaks to the network */
  start(name: string, tap?: Tap): void {
    this.host(name).start(async (given) => {
      const system = tap === undefined ? given : tappedSystem(given, tap);
      const cluster = this.#make(name, system);
      this.#clusters.set(name, cluster);
      await cluster.start();
      this.#echo.serve(cluster.transport);
      this.#use(name, cluster);
      if (this.#parts.membership === 'gossip') beginGossip(cluster);
    });
  }

  crash(name: string): void {
    this.host(name).crash();
    this.#clusters.delete(name);
  }

  host(name: string): Host {
    const host = this.#world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  get(name: string): FuzzedCluster {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} does not run`);
    return cluster;
  }

  isRunning(name: string): boolean {
    return this.#clusters.get(name)?.status === 'running';
  }

  /** Whether the honest ones hold each other, and whoever else is named, for alive. */
  sees(others: readonly string[]): boolean {
    return HONEST.every((name) => {
      if (!this.isRunning(name)) return false;
      const alive = this.get(name).nodes.filter(({ state }) => state === 'alive');
      return others.every((other) => alive.some(({ node }) => node.id === other));
    });
  }

  /** Whether the honest ones agree about a leader. */
  get agrees(): boolean {
    const leaders = HONEST.map((name) => (this.isRunning(name) ? this.get(name).leader?.nodeId : undefined));
    return leaders[0] !== undefined && leaders.every((leader) => leader === leaders[0]);
  }

  #make(nodeId: string, system: System): FuzzedCluster {
    const { voters, election, membership, forms, secret } = this.#parts;
    const host = this.host(nodeId);
    const options: ClusterOptions<TallyReplicator> = {
      nodeId,
      bind: { host: host.address, port: PORT },
      ...(secret === undefined ? { insecure: true } : { secret }),
      ...membershipOf(membership),
      ...(forms && { formation: clusterFormation(FORMATION) }),
      transport: tcpTransport({ ...LIMITS, reconnect: { minMs: 50, maxMs: 500 } }),
      storage: fileStorage({ directory: '/data' }),
      discovery: multicastDiscovery({
        ...(secret === undefined ? { insecure: true } : { secret }),
        intervalMs: 500,
        interface: host.address,
      }),
      seedNodes: this.#world.hosts.map(({ address }) => ({ host: address, port: PORT })),
      election: election === 'raft' ? raftElection({ voters }) : majorityElection({ voters }),
      replicator: raftReplicator({ voters, machine: () => new Tally(), snapshots: SMALL_SNAPSHOTS }),
      locks: raftLocks({ voters, snapshots: SMALL_SNAPSHOTS }),
      logLevel: 'warn',
      logger: this.#counting(nodeId),
      system,
    };
    return createCluster<TallyReplicator>(options);
  }

  #counting(name: string): Logger {
    const count = (message: string): void => {
      this.lines.set(name, (this.lines.get(name) ?? 0) + 1);
      this.#world.note(`${name} logs: ${message}`);
    };
    return { debug: () => undefined, info: () => undefined, warn: count, error: count };
  }

  /** What every node does: commands, locks, and requests to the leader; all of which may fail where somebody lies. */
  #use(name: string, cluster: FuzzedCluster): void {
    const { clock, random } = cluster.system;
    const ask = forwardToLeader(cluster, (input: number) => input + 1);
    const isHonest = HONEST.includes(name);
    const turn = (): void => {
      if (cluster.status !== 'running') return;
      // Who lies has much to say.
      const everyMs = isHonest ? CALL_EVERY_MS : CALL_EVERY_MS / 10;
      const settle = (): void => void clock.setTimer(everyMs * (0.5 + random.next()), turn);
      this.#call(cluster, ask, isHonest).then(settle, settle);
    };
    turn();
  }

  async #call(cluster: FuzzedCluster, ask: (input: number) => Promise<number>, isHonest: boolean): Promise<void> {
    const { random } = cluster.system;
    const choice = random.int(3);
    if (choice === 0) {
      await cluster.replicator.replicate(1, { timeoutMs: 2000 });
      if (isHonest) this.commands += 1;
    } else if (choice === 1) {
      await using lock = await cluster.locks.lock(`lock-${random.int(2)}`, { ttlMs: 2000, waitMs: 1000 });
      void lock;
    } else {
      await ask(random.int(100));
    }
  }
}

function membershipOf(kind: FuzzedParts['membership']): Pick<ClusterOptions, 'membership'> {
  switch (kind) {
    case 'gossip':
      return { membership: swimMembership({ protocol: QUICK_GOSSIP }) };
    case 'heartbeats':
      return { membership: heartbeatMembership({ intervalMs: HEARTBEAT_MS }) };
    case 'connections':
      return {};
  }
}
