import {
  type Cluster,
  createCluster,
  type Electorate,
  type LeaderElection,
  type Plugin,
  type Storage,
  type System,
  type Transport,
} from '@quorate/core';
import { createWorld, type Host, type Seed, type World } from '@quorate/simulator';
import { Chaos } from './chaos.ts';
import type { TallyReplicator } from './tally.ts';
import { TallyClients } from './tally-clients.ts';
import { watchedStorage } from './watched-storage.ts';

/** The parts that the nodes of one run are made of. */
export interface ElectionParts {
  transport(world: World, host: Host): Plugin<Transport, 'transport'>;
  /** Called once a host: what it returns is used for every start of its process. */
  storage(world: World, host: Host): Plugin<Storage, 'storage'>;
  election(options: { readonly voters: Electorate; readonly priority: number }): Plugin<LeaderElection, 'election'>;
  /** False without durable votes, when tokens may be given out again: then only that grants don't overlap is checked. */
  readonly tokensGrow: boolean;
  /** Whether each generation of voters may be another, given to one node after the other. */
  readonly changesVoters: boolean;
  /** Whether it knows priorities. */
  readonly prioritizes: boolean;
  /** Also replicates, on every node; then some of the nodes may do without standing for election. */
  replicator?(voters: readonly string[]): Plugin<TallyReplicator, 'replicator'>;
}

export interface ElectionRunOptions {
  readonly seed: Seed;
  readonly parts: ElectionParts;
  /** @default drawn: mostly 3, else 1 to 5 */
  readonly nodes?: number;
  /** True time under faults. */
  readonly faultsMs: number;
  /** Within which a leader must emerge once the faults have ended. */
  readonly recoveryMs: number;
  /** How far clocks may drift; what the elections are configured for. */
  readonly maxDrift: number;
}

export interface ElectionRunResult {
  readonly grants: number;
  readonly hash: string;
  readonly trace: string;
  /** From the end of the faults to a leader that all nodes agree on. */
  readonly recoveredAfterMs: number;
}

const PORT = 7000;
/** How soon the next step of a change of voters is tried. */
const MAX_CHANGE_MS = 1500;
const SETTLING_MS = 5000;
const PEACE_MS = 1000;

/**
 * One seeded life of a cluster: faults of every kind, the election's promises checked after every event, then peace,
 * in which a leader must emerge.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runElection(options: ElectionRunOptions): Promise<ElectionRunResult> {
  const world = createWorld({ seed: options.seed, link: { latencyMs: 0.2, jitterMs: 2 } });
  const life = new ElectionLife(world, options);
  life.startAll();
  life.chaos.start();
  await world.run(options.faultsMs);
  life.chaos.stop();
  life.settle();
  const peace = world.now;
  await world.runUntil(() => life.agrees(), options.recoveryMs);
  const recoveredAfterMs = world.now - peace;
  await life.auditTally(options.recoveryMs);
  // Late connections may still change it; after that it lasts, unless a candidate of higher priority comes back.
  await world.run(SETTLING_MS);
  const leader = life.leader();
  const watch = world.onStep(() => {
    if (leader === undefined || (life.leader() !== leader && !life.isOutranked(leader)))
      throw new Error(`${leader} was deposed in peace`);
  });
  await world.run(PEACE_MS);
  watch[Symbol.dispose]();
  await life.stop();
  return { grants: life.grants, hash: world.trace.hash, trace: world.trace.text(), recoveredAfterMs };
}

class ElectionLife {
  readonly chaos: Chaos;
  readonly #world: World;
  readonly #options: ElectionRunOptions;
  readonly #clusters = new Map<Host, Cluster<TallyReplicator>>();
  readonly #storages = new Map<Host, Plugin<Storage, 'storage'>>();
  readonly #priorities = new Map<Host, number>();
  /** Those who vote and replicate, but don't stand for election. */
  readonly #observers = new Set<Host>();
  readonly #clients: TallyClients;
  /** What nodes start with from now on. */
  #electorate: Electorate;
  /** Of the electorate that each node is known to have stored. */
  readonly #generations = new Map<Host, number>();
  /** Who held the grant with this token. */
  readonly #holders = new Map<bigint, string>();
  #lastToken = 0n;

  constructor(world: World, options: ElectionRunOptions) {
    this.#world = world;
    this.#options = options;
    const { maxDrift } = options;
    this.chaos = new Chaos(world, {
      maxDrift,
      restart: (host) => this.start(host),
      disturb: (host) => this.#handOver(host),
    });
    const count = options.nodes ?? (world.chance(0.6) ? 3 : 1 + world.random.int(5));
    const prioritized = world.chance(0.2);
    for (let number = 0; number < count; number += 1) {
      const drift = (world.random.next() * 2 - 1) * maxDrift;
      const host = world.host(String.fromCodePoint(97 + number), { drift });
      this.#storages.set(
        host,
        watchedStorage(options.parts.storage(world, host), host, {
          onWrite: () => this.chaos.onWrite(host),
          writeMs: () => this.chaos.writeMs(host),
        }),
      );
      this.#priorities.set(host, prioritized && options.parts.prioritizes ? world.random.int(3) : 1);
    }
    this.#electorate = { generation: 1, voters: world.hosts.map(({ name }) => name) };
    this.#clients = new TallyClients(world);
    if (options.parts.replicator !== undefined && world.chance(0.5)) {
      for (const host of world.hosts.slice(1)) if (world.chance(0.5)) this.#observers.add(host);
    }
    if (options.parts.changesVoters && count > 1 && world.chance(0.25)) this.#changeVoters();
    world.onStep(() => this.#check());
  }

  get grants(): number {
    return this.#holders.size;
  }

  startAll(): void {
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  /** The faults are over: every node runs, with the same voters. */
  settle(): void {
    for (const host of this.#world.hosts) if (this.#isBehind(host)) host.crash();
    this.startAll();
  }

  start(host: Host): void {
    const electorate = this.#electorate;
    this.#clusters.delete(host);
    host.start(async (system) => {
      const cluster = this.#build(host, system, electorate);
      this.#clusters.set(host, cluster);
      await cluster.start();
      this.#generations.set(host, electorate.generation);
      if (this.#options.parts.replicator !== undefined) void this.#clients.work(cluster.replicator, system.clock);
    });
  }

  /** By one voter, node by node, amid the faults; and again once every node has made that step. */
  #changeVoters(): void {
    const { hosts, random } = this.#world;
    this.#world.after(random.next() * MAX_CHANGE_MS, () => {
      if (this.chaos.isOver) return;
      const behind = hosts.filter((host) => this.#isBehind(host));
      const host = behind[random.int(Math.max(1, behind.length))];
      if (host === undefined) {
        this.#electorate = changed(this.#electorate, (hosts[random.int(hosts.length)] as Host).name);
      } else {
        host.crash();
        this.start(host);
      }
      this.#changeVoters();
    });
  }

  #isBehind(host: Host): boolean {
    return this.#generations.get(host) !== this.#electorate.generation;
  }

  /** What an operator might ask for at any time. */
  #handOver(host: Host): void {
    const cluster = this.#clusters.get(host);
    if (!host.running || cluster?.status !== 'running' || !cluster.isLeader) return;
    const { election } = cluster;
    const { hosts, random } = this.#world;
    const to = hosts[random.int(hosts.length)] as Host;
    const asked = random.next() < 0.5 ? election.transfer(to.name) : election.resign();
    asked.catch((error: unknown) => this.#world.note(`${host.name} hand-over: ${String(error)}`));
  }

  leader(): string | undefined {
    return this.#holdingNow()[0]?.[0].name;
  }

  isOutranked(name: string): boolean {
    const own = [...this.#priorities].find(([host]) => host.name === name)?.[1] ?? 0;
    return [...this.#priorities.values()].some((priority) => priority > own);
  }

  /** Whether one node leads and every node knows. */
  agrees(): boolean {
    const name = this.leader();
    if (name === undefined || this.#clusters.size < this.#world.hosts.length) return false;
    return [...this.#clusters.values()].every(
      (cluster) => cluster.status === 'running' && cluster.leader?.nodeId === name,
    );
  }

  /** With a replicator: all that was acknowledged has been done, and nothing twice. */
  async auditTally(withinMs: number): Promise<void> {
    this.#clients.stop();
    if (this.#options.parts.replicator === undefined) return;
    for (const { replicator } of this.#clusters.values()) {
      const judge = this.#clients.audit();
      const read = replicator.read(undefined, { consistency: 'linearizable', timeoutMs: withinMs });
      judge(await this.#world.settled(read, withinMs));
    }
  }

  async stop(): Promise<void> {
    const stopped = Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
    await this.#world.settled(stopped, 60_000);
  }

  #build(host: Host, system: System, voters: Electorate): Cluster<TallyReplicator> {
    const { parts } = this.#options;
    const replicator = parts.replicator?.(voters.voters);
    const hosts = this.#world.hosts;
    return createCluster<TallyReplicator>({
      nodeId: host.name,
      name: 'scenario',
      campaign: !this.#observers.has(host),
      ...(replicator && { replicator }),
      bind: { host: host.address, port: PORT },
      seedNodes: hosts.map(({ address }) => ({ host: address, port: PORT })),
      insecure: true,
      transport: parts.transport(this.#world, host),
      storage: this.#storages.get(host) as Plugin<Storage, 'storage'>,
      election: parts.election({
        voters,
        priority: this.#priorities.get(host) ?? 1,
      }),
      system,
      logLevel: 'info',
    });
  }

  #holdingNow(): readonly (readonly [Host, bigint])[] {
    const holding: (readonly [Host, bigint])[] = [];
    for (const [host, cluster] of this.#clusters) {
      if (!host.running || cluster.status !== 'running') continue;
      const { leadership } = cluster;
      if (leadership?.isValid() === true) holding.push([host, leadership.token]);
    }
    return holding;
  }

  #check(): void {
    const holding = this.#holdingNow();
    if (holding.length > 1) {
      throw new Error(
        `two valid grants at once: ${holding.map(([host, token]) => `${host.name} ${token}`).join(', ')}`,
      );
    }
    for (const [host, token] of holding) {
      if (this.#observers.has(host)) throw new Error(`${host.name} leads, and never stood for election`);
      this.#checkToken(host, token);
    }
  }

  #checkToken(host: Host, token: bigint): void {
    const holder = this.#holders.get(token);
    if (holder === host.name) return;
    if (!this.#options.parts.tokensGrow) {
      this.#holders.set(token, host.name);
      return;
    }
    if (holder !== undefined) throw new Error(`term ${token} has two leaders: ${holder} and ${host.name}`);
    if (token <= this.#lastToken) throw new Error(`the token went back from ${this.#lastToken} to ${token}`);
    this.#lastToken = token;
    this.#holders.set(token, host.name);
  }
}

/** The next electorate: with the node if it was none of the voters, else without it. */
function changed({ generation, voters }: Electorate, name: string): Electorate {
  const others = voters.filter((voter) => voter !== name);
  const next = others.length < voters.length ? others : [...voters, name].sort();
  return { generation: generation + 1, voters: next.length > 0 ? next : voters };
}
