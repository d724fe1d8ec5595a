import { type ClusterContext, type LeaderElection, silentLogger } from '@quorate/core';
import { leasedElection, leaseTimings } from '@quorate/lease';
import { createWorld, type Host, type World } from '@quorate/simulator';

import { consulEngine, consulLeases } from '../../src/index.ts';
import { SimulatedExchange } from './simulated-exchange.ts';
import { SmallConsul } from './small-consul.ts';

const KEY = 'life/leader/.lock';
const TTL_MS = 2_000;
const SESSION_TTL_MS = 1_500;
/** By how much clocks may be off where grants are valid for 0.8 of the time to live. */
const MAX_DRIFT = 0.1;
const MAX_FAULT_MS = 3 * TTL_MS;
const FAULTS_MS = 90_000;

/** Nodes that elect by one Consul, amid what may befall them, Consul, and the key. */
export class LeaseLife {
  readonly world: World;
  /** Grants that were seen. */
  grants = 0;
  readonly #consul: SmallConsul;
  readonly #server: Host;
  readonly #hosts: readonly Host[];
  readonly #elections = new Map<Host, LeaderElection>();
  readonly #cut = { out: new Set<string>(), in: new Set<string>() };
  readonly #keepsKeys: boolean;
  #highest = 0n;
  #isPeace = false;

  constructor(seed: string) {
    this.world = createWorld({ seed });
    this.#keepsKeys = this.world.chance(0.5);
    const drift = (): number => (this.world.random.next() * 2 - 1) * MAX_DRIFT;
    this.#server = this.world.host('consul', { drift: this.world.chance(0.5) ? MAX_DRIFT : drift() });
    this.#server.start(() => undefined);
    this.#consul = new SmallConsul(this.#server.system.clock);
    const names = ['a', 'b', 'c', 'd'].slice(0, 2 + this.world.random.int(3));
    this.#hosts = names.map((name) => this.world.host(name, { drift: this.world.chance(0.5) ? -MAX_DRIFT : drift() }));
    this.world.onStep(() => this.#check());
  }

  /** @throws Error when something was not as it must be */
  async run(): Promise<void> {
    for (const host of this.#hosts) this.#start(host);
    this.#disturb();
    await this.world.run(FAULTS_MS);
    this.#isPeace = true;
    this.#cut.out.clear();
    this.#cut.in.clear();
    for (const host of [this.#server, ...this.#hosts]) host.resume();
    for (const host of this.#hosts) if (!host.running) this.#start(host);
    const leads = (): boolean => this.#valid().length > 0;
    // A session that was renewed at the end of the faults, its lock-delay, and until somebody asks.
    await this.world.runUntil(leads, (2 * SESSION_TTL_MS + TTL_MS) * (1 + 2 * MAX_DRIFT) + 2 * TTL_MS);
    await this.world.run(4 * TTL_MS);
    const [before] = this.#valid();
    await this.world.run(4 * TTL_MS);
    const [after] = this.#valid();
    if (before === undefined || before.token !== after?.token)
      throw new Error('no leader stays though nothing befalls it');
  }

  #start(host: Host): void {
    host.start(async (system) => {
      const exchange = new SimulatedExchange(this.world, host, { host: this.#server, consul: this.#consul }, this.#cut);
      const engine = consulEngine({ exchange: () => exchange });
      const self = { id: host.name, host: host.address, port: 7000 };
      const context = { ...system, logger: silentLogger, self, incarnation: host.boots } as unknown as ClusterContext;
      const election = leasedElection('election', {
        open: () => consulLeases(engine.open(system), { sessionTtlMs: SESSION_TTL_MS, keepsKeys: this.#keepsKeys }),
        leaseName: () => KEY,
        timings: leaseTimings('election', { ttlMs: TTL_MS }),
      }).create(context);
      this.#elections.set(host, election);
      await election.start();
      void this.#lead(host, election);
    });
  }

  async #lead(host: Host, election: LeaderElection): Promise<void> {
    const { boots } = host;
    while (host.running && host.boots === boots) {
      const grant = await election.campaign().catch(() => undefined);
      if (grant !== undefined) this.grants += 1;
      const { clock } = host.system;
      if (grant?.isValid() === true) await new Promise((resolve) => grant.signal.addEventListener('abort', resolve));
      await new Promise((resolve) => void clock.setTimer(this.world.random.next() * 100, () => resolve(undefined)));
    }
  }

  #valid() {
    const running = this.#hosts.filter((host) => host.running);
    return running.flatMap((host) => {
      const grant = this.#elections.get(host)?.leadership;
      return grant?.isValid() === true ? [grant] : [];
    });
  }

  #check(): void {
    const valid = this.#valid();
    if (valid.length > 1) {
      throw new Error(`two grants at one time: ${valid.map(({ nodeId, token }) => `${nodeId} ${token}`).join(', ')}`);
    }
    for (const { nodeId, token } of valid) {
      if (token < this.#highest) throw new Error(`${nodeId} has token ${token} after ${this.#highest}`);
      this.#highest = token;
    }
  }

  #disturb(): void {
    this.world.after(this.world.random.next() * TTL_MS, () => {
      if (this.#isPeace) return;
      this.#befall(this.world.random.int(9));
      this.#disturb();
    });
  }

  #befall(fault: number): void {
    const { world } = this;
    const host = this.#leaderOrAny();
    const session = this.#consul.entries.get(KEY)?.Session;
    const ms = world.random.next() * MAX_FAULT_MS;
    switch (fault) {
      case 0:
        return this.#consul.deleteKey(KEY);
      case 1:
        if (session !== undefined) this.#consul.endSession(session);
        return;
      case 2:
        // In this order; the other one hides a leader from who is started later.
        if (session !== undefined) this.#consul.endSession(session);
        return this.#consul.deleteKey(KEY);
      case 3:
        if (host.running)
          this.#elections
            .get(host)
            ?.resign()
            .catch(() => undefined);
        return;
      case 4:
        if (!host.running) return;
        host.crash();
        world.after(ms / 2, () => {
          if (!host.running) this.#start(host);
        });
        return;
      case 5:
        return this.#halt(host, ms);
      case 6:
        return this.#halt(this.#server, ms / 2);
      default:
        return this.#cutOff(host.name, fault === 7 ? ['out', 'in'] : [world.chance(0.5) ? 'out' : 'in'], ms);
    }
  }

  #halt(host: Host, ms: number): void {
    host.pause();
    this.world.after(ms, () => host.resume());
  }

  #cutOff(name: string, directions: readonly ('out' | 'in')[], ms: number): void {
    for (const direction of directions) this.#cut[direction].add(name);
    this.world.after(ms, () => {
      for (const direction of directions) this.#cut[direction].delete(name);
    });
  }

  #leaderOrAny(): Host {
    const leader = this.#hosts.find((host) => this.#elections.get(host)?.leadership?.isValid() === true);
    const any = this.#hosts[this.world.random.int(this.#hosts.length)];
    return (this.world.chance(0.6) ? leader : undefined) ?? any ?? this.#server;
  }
}
