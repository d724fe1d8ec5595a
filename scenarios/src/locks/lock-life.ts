import { type Cluster, createCluster, type Plugin, type Storage, type System } from '@quorate/core';
import type { raftLocks } from '@quorate/lock-raft';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import type { Host, World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { Chaos } from '../chaos.ts';
import { MAX_DRIFT } from '../parts.ts';
import { watchedStorage } from '../watched-storage.ts';
import { LockClient } from './lock-client.ts';
import { LockRules } from './lock-rules.ts';
import { Stragglers } from './stragglers.ts';

/** The package, or a mutant of it. */
export interface LockParts {
  readonly raftLocks: typeof raftLocks;
}

const PORT = 7000;
/** So that a short life has many of them, and followers that need one. */
const SMALL_SNAPSHOTS = { everyEntries: 30, keepEntries: 5, keepBytes: 4096 };
/** By how much a wall clock may be set forward or back. */
const MAX_JUMP_MS = 10_000_000;

/** Nodes of which some keep the locks and all use them. */
export class LockLife {
  readonly chaos: Chaos;
  readonly rules: LockRules = new LockRules();
  readonly #world: World;
  readonly #parts: LockParts;
  readonly #isWhole: boolean;
  readonly #profile: 'fast' | 'lan';
  readonly #voters: readonly string[];
  readonly #clusters = new Map<Host, Cluster>();
  readonly #clients = new Map<Host, readonly LockClient[]>();
  readonly #storages = new Map<Host, Plugin<Storage, 'storage'>>();
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #stragglers: Stragglers | undefined;

  constructor(world: World, parts: LockParts) {
    this.#world = world;
    this.#parts = parts;
    this.#isWhole = world.chance(0.3);
    this.#profile = world.chance(0.6) ? 'fast' : 'lan';
    this.#network = memoryNetwork({ route: world.route });
    const voters = world.chance(0.8) ? 3 : 1 + world.random.int(5);
    const others = world.chance(0.4) ? 1 + world.random.int(2) : 0;
    for (let number = 0; number < voters + others; number += 1) this.#addHost(String.fromCodePoint(97 + number));
    this.#voters = world.hosts.slice(0, voters).map(({ name }) => name);
    this.chaos = new Chaos(world, {
      maxDrift: MAX_DRIFT,
      restart: (host) => this.start(host),
      disturb: (host) => this.#stopInOrder(host),
    });
    if (world.chance(0.3)) this.#stragglers = this.#newStragglers();
    world.onStep(() => this.rules.check());
  }

  /** Calls that wait without a limit, and for what. */
  get waiting(): readonly string[] {
    return [...this.#clients].flatMap(([{ name }, clients]) =>
      clients.flatMap(({ waitingFor }) => (waitingFor === undefined ? [] : [`${name} for ${waitingFor}`])),
    );
  }

  get locks(): readonly Cluster['locks'][] {
    return [...this.#clusters.values()].map(({ locks }) => locks);
  }

  /** The faults begin. */
  disturb(): void {
    this.#stragglers?.start();
    // Where much else goes wrong, few of them get as far as to be wrong about what they have.
    if (this.#stragglers === undefined || this.#world.chance(0.4)) this.chaos.start();
    else this.chaos.stop();
  }

  /** The faults are over: every node runs. */
  settle(): void {
    this.#stragglers?.stop();
    this.chaos.stop();
    this.startAll();
  }

  startAll(): void {
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  start(host: Host): void {
    this.rules.crashed(host);
    this.#clusters.delete(host);
    this.#clients.delete(host);
    host.start(async (system) => {
      const cluster = this.#build(host, jumping(this.#world, system));
      this.#clusters.set(host, cluster);
      await cluster.start();
      const { world, rules } = { world: this.#world, rules: this.rules };
      const parts = { world, host, rules, locks: cluster.locks, clock: system.clock };
      const clients = [1, 2, 3].map(() => new LockClient(parts));
      this.#clients.set(host, clients);
      for (const client of clients) void client.work();
    });
  }

  /** No call begins any more. */
  rest(): void {
    for (const client of [...this.#clients.values()].flat()) client.stop();
  }

  isRunning(): boolean {
    return this.#clients.size === this.#world.hosts.length;
  }

  async stop(): Promise<void> {
    const stopped = Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
    await this.#world.settled(stopped, 60_000);
  }

  #newStragglers(): Stragglers {
    const voters = this.#world.hosts.slice(0, this.#voters.length);
    return new Stragglers(this.#world, {
      voters,
      rules: this.rules,
      locksOf: (host) => {
        const cluster = this.#clusters.get(host);
        return cluster?.status === 'running' ? cluster.locks : undefined;
      },
    });
  }

  #addHost(name: string): void {
    const host = this.#world.host(name, { drift: (this.#world.random.next() * 2 - 1) * MAX_DRIFT });
    const storage = this.#isWhole ? fileStorage({ directory: '/data' }) : memoryStorage({ disk: memoryDisk() });
    const disk = { onWrite: () => this.chaos.onWrite(host), writeMs: () => this.#writeMs(host) };
    this.#storages.set(host, watchedStorage(storage, host, disk));
  }

  #writeMs(host: Host): number {
    return this.chaos.writeMs(host) + (this.#stragglers?.writeMs(host) ?? 0);
  }

  /** Gives back what it has, and leaves the others to go on. */
  #stopInOrder(host: Host): void {
    const cluster = this.#clusters.get(host);
    if (!host.running || cluster?.status !== 'running') return;
    this.#clients.delete(host);
    void cluster.stop().then(() => {
      if (this.#clusters.get(host) !== cluster) return;
      host.crash();
      this.start(host);
    });
  }

  #build(host: Host, system: System): Cluster {
    const { hosts } = this.#world;
    const transport = this.#isWhole
      ? tcpTransport({ reconnect: { minMs: 100, maxMs: 1000 } })
      : memoryTransport({ network: this.#network });
    return createCluster({
      nodeId: host.name,
      name: 'scenario',
      bind: { host: host.address, port: PORT },
      seedNodes: hosts.map(({ address }) => ({ host: address, port: PORT })),
      insecure: true,
      transport,
      storage: this.#storages.get(host) as Plugin<Storage, 'storage'>,
      locks: this.#parts.raftLocks({ voters: this.#voters, profile: this.#profile, snapshots: SMALL_SNAPSHOTS }),
      system,
      logLevel: 'info',
    });
  }
}

/** The same machine, whose wall clock shows another time whenever it is looked at. */
function jumping(world: World, system: System): System {
  const { clock } = system;
  const wallTime = () => clock.wallTime() + (world.random.next() * 2 - 1) * MAX_JUMP_MS;
  const jumpy = {
    now: () => clock.now(),
    wallTime,
    setTimer: clock.setTimer.bind(clock),
    defer: clock.defer.bind(clock),
  };
  const { random, net, disk, crypto, logger } = system;
  return { clock: jumpy, random, net, disk, crypto, logger };
}
