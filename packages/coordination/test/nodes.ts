import { type Cluster, type ClusterOptions, createCluster, type Replicator } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { createWorld, type Host, type World } from '@quorate/simulator';
import {
  type CoordinationCommand,
  coordinationMachine,
  type CoordinationResult,
  type SlotRecord,
} from '../src/index.ts';

type CoordinatedReplicator = Replicator<CoordinationCommand, CoordinationResult, string, SlotRecord | undefined>;
export type CoordinatedCluster = Cluster<CoordinatedReplicator>;
type Parts = Partial<ClusterOptions<CoordinatedReplicator>>;

const NAMES = ['a', 'b', 'c'];

/** An election without a log. */
export const byMajority = (): Parts => ({
  election: majorityElection({ voters: { voters: NAMES, generation: 1 }, maxClockDrift: 0.01 }),
});

/** An election and a replicator of a coordination machine on one Raft group. */
export const byRaft = (): Parts => ({
  election: raftElection({ voters: NAMES, maxClockDrift: 0.01 }),
  replicator: raftReplicator({ voters: NAMES, maxClockDrift: 0.01, machine: coordinationMachine }),
});

/** Three nodes in a simulated world, each with the same program. */
export class Nodes {
  readonly world: World;
  /** By which each node's wall clock is wrong. */
  readonly wallOffset = new Map<string, number>();
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #clusters = new Map<string, CoordinatedCluster>();
  readonly #parts: () => Parts;
  readonly #program: (cluster: CoordinatedCluster, name: string) => void;

  /** @param program runs once the node's cluster has started */
  constructor(
    seed: string | number,
    parts: () => Parts,
    program: (cluster: CoordinatedCluster, name: string) => void = () => undefined,
  ) {
    this.world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.#network = memoryNetwork({ route: this.world.route });
    this.#parts = parts;
    this.#program = program;
    for (const name of NAMES) this.world.host(name);
  }

  startAll(): void {
    for (const name of NAMES) this.start(name);
  }

  start(name: string): void {
    const host = this.host(name);
    const disk = this.#disks.get(name) ?? memoryDisk();
    this.#disks.set(name, disk);
    host.start(async (system) => {
      const { clock } = system;
      const wallTime = (): number => clock.wallTime() + (this.wallOffset.get(name) ?? 0);
      const skewed = {
        now: () => clock.now(),
        wallTime,
        setTimer: (ms: number, run: () => void) => clock.setTimer(ms, run),
        defer: (run: () => void) => clock.defer(run),
      };
      const cluster = createCluster<CoordinatedReplicator>({
        nodeId: name,
        bind: { host: host.address, port: 7000 },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 7000 })),
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk }),
        logLevel: 'error',
        system: { ...system, clock: skewed },
        ...this.#parts(),
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
      this.#program(cluster, name);
    });
  }

  crash(name: string): void {
    this.host(name).crash();
    this.#clusters.delete(name);
  }

  host(name: string): Host {
    const host = this.world.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  get(name: string): CoordinatedCluster {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} does not run`);
    return cluster;
  }

  get running(): readonly string[] {
    return NAMES.filter((name) => this.#clusters.get(name)?.status === 'running');
  }

  get leader(): string | undefined {
    return this.running.find((name) => this.get(name).isLeader);
  }

  /** Resolves with the leader's name, once all that were started run. */
  async elected(): Promise<string> {
    const started = (): number => this.world.hosts.filter(({ running }) => running).length;
    await this.until(() => this.leader !== undefined && this.running.length === started());
    return this.leader as string;
  }

  /** Some node that doesn't lead. */
  get follower(): string {
    const name = this.running.find((each) => !this.get(each).isLeader);
    if (name === undefined) throw new Error('nobody follows');
    return name;
  }

  until(condition: () => boolean, withinMs: number = 30_000): Promise<void> {
    return this.world.runUntil(condition, withinMs);
  }

  soon<T>(promise: Promise<T>, withinMs: number = 30_000): Promise<T> {
    return this.world.settled(promise, withinMs);
  }
}
