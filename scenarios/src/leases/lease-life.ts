import {
  type ClusterContext,
  connectionMembership,
  type LeaderElection,
  leveledLogger,
  type Lock,
  type Locks,
  silentLogger,
  type System,
} from '@quorate/core';
import type { LeaseEngine, leasedElection, leasedLocks, leaseTimings } from '@quorate/lease';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import type { Host, World } from '@quorate/simulator';
import { Chaos } from '../chaos.ts';
import { GrantRules } from './grant-rules.ts';
import { simulatedLeases } from './lease-client.ts';
import { LEASE_PORT, serveLeases } from './lease-server.ts';
import { LeaseTable } from './lease-table.ts';

/** The package under test, or a mutant of it. */
export interface LeaseParts {
  readonly leasedElection: typeof leasedElection;
  readonly leasedLocks: typeof leasedLocks;
  readonly leaseTimings: typeof leaseTimings;
}

/** A living process. */
interface Node {
  readonly host: Host;
  readonly system: System;
  readonly election: LeaderElection;
  readonly locks: Locks;
  /** Aborts the campaign that is under way. */
  withdraw: () => void;
  /** How many locks it uses, or waits for. */
  using: number;
}

/** By what clocks may be off where nobody says anything else: what the default of `validForMs` stands. */
const MAX_DRIFT = 0.1;
const LEADER = 'leader';
const PERMITS = 2;
const MAX_PAUSE_MS = 800;
const MIN_TTL_MS = 400;

/** Nodes that elect a leader and use locks, by an engine; and all that may befall them. */
export class LeaseLife {
  readonly ttlMs: number;
  readonly engine: Host;
  readonly chaos: Chaos;
  readonly table: LeaseTable;
  readonly rules: GrantRules;
  readonly #world: World;
  readonly #parts: LeaseParts;
  readonly #hosts: readonly Host[];
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #nodes = new Map<Host, Node>();
  #isPeace = false;
  #isOver = false;

  constructor(world: World, parts: LeaseParts) {
    this.#world = world;
    this.#parts = parts;
    this.ttlMs = MIN_TTL_MS + world.random.int(1000);
    this.table = new LeaseTable({ forgetful: world.chance(0.5) });
    this.rules = new GrantRules(PERMITS);
    // Half of the time as bad as it gets: the engine's clock runs fast, and those of the others slow.
    const isWorst = world.chance(0.5);
    const drift = (worst: number): number => (isWorst ? worst : world.random.next() * 2 - 1) * MAX_DRIFT;
    this.engine = world.host('engine', { drift: drift(1) });
    const names = ['a', 'b', 'c', 'd'].slice(0, 2 + world.random.int(3));
    this.#hosts = names.map((name) => world.host(name, { drift: drift(-1) }));
    this.#network = memoryNetwork({ route: world.route });
    this.chaos = new Chaos(world, {
      maxDrift: MAX_DRIFT,
      restart: (host) => this.start(host),
      disturb: (host) => this.#disturb(host),
    });
    world.onStep(() => this.#check());
  }

  startAll(): void {
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  start(host: Host): void {
    if (host === this.engine) {
      host.start(async (system) => serveLeases(system, this.table, host.address));
      return;
    }
    this.#nodes.delete(host);
    this.rules.forget(host.name);
    host.start(async (system) => {
      const node = this.#make(host, system);
      this.#nodes.set(host, node);
      await node.election.start();
      await node.locks.start();
      void this.#lead(node);
      void this.#use(node, async () => this.#useLock(node));
      void this.#use(node, async () => this.#useShared(node));
      void this.#use(node, async () => this.#usePermits(node));
    });
  }

  /** The faults are over, and whatever was down is up. */
  settle(): void {
    this.chaos.stop();
    this.#isPeace = true;
    this.startAll();
  }

  /** The one that leads, if all the others know it. */
  leader(): Host | undefined {
    const leading = [...this.#nodes.values()].find(({ election }) => election.leadership?.isValid() === true);
    const all = this.#nodes.size === this.#hosts.length;
    const agreed = [...this.#nodes.values()].every(({ election }) => election.leader?.nodeId === leading?.host.name);
    return all && agreed ? leading?.host : undefined;
  }

  /** The one that leads after another, whatever the rest of them know. */
  successor(former: Host): Host | undefined {
    const leading = [...this.#nodes.values()].find(
      ({ host, election }) => host !== former && election.leadership?.isValid() === true,
    );
    return leading?.host;
  }

  election(host: Host): LeaderElection {
    const node = this.#nodes.get(host);
    if (node === undefined) throw new Error(`${host.name} doesn't run`);
    return node.election;
  }

  /** An operator takes the lease away. */
  deleteLease(name: string): void {
    const { engine } = this;
    if (engine.running && !engine.paused) engine.system.clock.setTimer(0, () => this.table.delete(engine.now, name));
  }

  /** Nobody asks for a lock any more: what they had is given back, and what they wait for they get. */
  async rest(): Promise<void> {
    this.#isOver = true;
    await this.#world.runUntil(
      () => [...this.#nodes.values()].every(({ using }) => using === 0),
      4 * this.ttlMs + 20 * MAX_PAUSE_MS,
    );
  }

  async stop(): Promise<void> {
    const nodes = [...this.#nodes.values()];
    const stopped = nodes.flatMap(({ locks, election }) =>
      [locks, election].map(async (part) => part[Symbol.asyncDispose]()),
    );
    await this.#world.settled(Promise.all(stopped), 4 * this.ttlMs);
  }

  describe(): string {
    const nodes = [...this.#nodes.values()].map(({ host: { name }, election }) => {
      return `${name} leads ${election.leadership?.token}, knows ${election.leader?.nodeId} ${election.leader?.token}`;
    });
    return `ttl ${this.ttlMs}, engine ${JSON.stringify(this.table.view(LEADER))}: ${nodes.join('; ')}`;
  }

  /** Claims of those who run, or have ended in order. */
  get leftovers(): readonly string[] {
    const runs = this.#hosts.map(({ name, boots }) => JSON.stringify([name, boots]).slice(0, -1));
    return this.table.claimants.filter((id) => runs.some((run) => id.startsWith(`${run},`)));
  }

  #check(): void {
    for (const { host, election } of this.#nodes.values()) {
      const { leadership } = election;
      if (host.running && leadership !== undefined) this.rules.began(host.name, LEADER, 'exclusive', leadership);
    }
    this.rules.check((node) => this.#isAlive(node));
  }

  #isAlive(name: string): boolean {
    return this.#hosts.some((host) => host.name === name && host.running);
  }

  #make(host: Host, system: System): Node {
    const context = this.#context(host, system);
    const { leasedElection: election, leasedLocks: locks, leaseTimings: timings } = this.#parts;
    const { ttlMs } = this;
    const open = (): LeaseEngine => this.#engineOf(system, host);
    return {
      host,
      system,
      election: election('election', { open, leaseName: () => LEADER, timings: timings('election', { ttlMs }) }).create(
        context,
      ),
      locks: locks('locks', { open, leaseName: (_, lock) => lock, minTtlMs: 100, maxLocks: 10 }).create(context),
      withdraw: () => undefined,
      using: 0,
    };
  }

  #engineOf(system: System, host: Host): LeaseEngine {
    const engine = simulatedLeases(system, { host: this.engine.address, port: LEASE_PORT });
    return {
      ...engine,
      open: (request) => {
        this.rules.opened(request, host.boots);
        return engine.open(request);
      },
    };
  }

  #context(host: Host, system: System): ClusterContext {
    const bind = { host: host.address, port: 7000 };
    const logger = leveledLogger(
      {
        ...silentLogger,
        warn: (text) => this.#world.note(`${host.name}: ${text}`),
        info: (text) => this.#world.note(`${host.name}: ${text}`),
      },
      'info',
    );
    const cluster = { name: 'life', id: 'life-1', adopt: () => undefined };
    const self = { id: host.name, ...bind };
    const below = {
      ...system,
      logger,
      self,
      incarnation: host.boots,
      cluster,
      bind,
      security: { keyring: undefined, insecure: true },
      debug: new Set<string>(),
    };
    const transport = memoryTransport({ network: this.#network }).create(below);
    const on = { ...below, transport, storage: undefined };
    return { ...on, membership: connectionMembership().create(on) };
  }

  /** Campaigns again and again, with a rest now and then while there are faults. */
  async #lead(node: Node): Promise<void> {
    await this.#again(node, async () => {
      const controller = new AbortController();
      node.withdraw = () => controller.abort();
      const leadership = await node.election.campaign(controller);
      if (!leadership.signal.aborted)
        await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve));
    });
  }

  async #use(node: Node, use: () => Promise<void>): Promise<void> {
    await this.#again(node, async () => {
      if (this.#isOver) return;
      node.using += 1;
      await use().finally(() => (node.using -= 1));
    });
  }

  async #useLock({ host, system, locks }: Node): Promise<void> {
    const lock = this.#world.chance(0.3)
      ? await locks.tryLock('lock', { ttlMs: this.ttlMs })
      : await locks.lock('lock', this.#waiting());
    if (lock === undefined) return;
    this.rules.began(host.name, 'lock', 'exclusive', lock);
    await this.#hold(system, lock);
  }

  async #useShared({ host, system, locks }: Node): Promise<void> {
    const kind = this.#world.chance(0.5) ? 'read' : 'write';
    const options = this.#waiting();
    const lock = kind === 'read' ? await locks.readLock('shared', options) : await locks.writeLock('shared', options);
    this.rules.began(host.name, 'shared', kind, lock);
    await this.#hold(system, lock);
  }

  async #usePermits({ host, system, locks }: Node): Promise<void> {
    const lock = await locks.semaphore('permits', { ...this.#waiting(), permits: PERMITS });
    this.rules.began(host.name, 'permits', 'permit', lock);
    await this.#hold(system, lock);
  }

  /** Many don't wait for long: what comes when nobody waits for it any more must be given back. */
  #waiting(): { readonly ttlMs: number; readonly waitMs?: number } {
    const { ttlMs } = this;
    const patient = this.#isPeace || this.#world.chance(0.5);
    return patient ? { ttlMs } : { ttlMs, waitMs: this.#draw(2 * ttlMs) };
  }

  async #hold({ clock }: System, lock: Lock): Promise<void> {
    await new Promise<void>((resolve) => void clock.setTimer(this.#draw(MAX_PAUSE_MS), resolve));
    await lock.release();
  }

  async #again({ host, system }: Node, use: () => Promise<void>): Promise<void> {
    const { boots } = host;
    while (host.running && host.boots === boots) {
      try {
        await use();
      } catch (error) {
        this.#world.note(`${host.name}: ${String(error)}`);
        if (String(error).includes('disposed')) return;
      }
      const restMs = this.#draw(this.#isPeace ? 20 : MAX_PAUSE_MS);
      await new Promise<void>((resolve) => void system.clock.setTimer(restMs, resolve));
    }
  }

  #disturb(host: Host): void {
    const { random } = this.#world;
    const node = this.#nodes.get(host);
    switch (random.int(6)) {
      case 0:
        return this.deleteLease([LEADER, 'lock', 'shared', 'permits'][random.int(4)] ?? LEADER);
      case 1:
        return node?.withdraw();
      case 2:
        if (host.running) node?.election.resign().catch(() => undefined);
        return;
      case 3:
      case 4:
        return this.#cutOffLate(this.#leading() ?? host);
      default:
        host.stall(this.#draw(2 * this.ttlMs));
    }
  }

  #leading(): Host | undefined {
    return [...this.#nodes.values()].find(({ election }) => election.leadership?.isValid() === true)?.host;
  }

  /** Hears the engine late, and then is heard no more by it: what it heard last is older than it seems. */
  #cutOffLate(host: Host): void {
    const { engine, ttlMs } = this;
    if (host === engine) return;
    this.#world.setLink(engine, host, { latencyMs: this.#draw(ttlMs / 8) });
    this.#later(ttlMs, () => {
      this.#world.block(host, engine);
      this.#later(3 * ttlMs, () => {
        this.#world.unblock(host, engine);
        this.#world.resetLink(engine, host);
      });
    });
  }

  #later(withinMs: number, step: () => void): void {
    this.#world.after(this.#draw(withinMs), () => {
      if (!this.#isPeace) step();
    });
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}
