import { type ClusterContext, type LeaderElection, type Leadership, silentLogger, type System } from '@quorate/core';
import { leasedElection, leasedLocks, leaseTimings } from '@quorate/lease';
import { createWorld, type Host, type Seed, type World } from '@quorate/simulator';

import { etcdLeases } from '../../src/leases/etcd-leases.ts';
import { LockUsers } from './lock-users.ts';
import { SimulatedEtcd } from './simulated-etcd.ts';

const NAME = '/life/leader';
const TTL_MS = 3_000;
const FAULTS_MS = 40_000;
/** What the default of `validForMs` stands. */
const MAX_DRIFT = 0.1;
/** A lease that runs out by the slowest clock, a look of etcd for those that are over, and calls that hang meanwhile. */
const RECOVERY_MS = 3 * TTL_MS + 3_000;

export interface LifeResult {
  readonly grants: number;
  readonly deeds: number;
  readonly locks: number;
}

/** Nodes that elect a leader and use locks in an etcd amid faults of theirs, of the network, of etcd, and of whoever operates it. */
export class LeaseLife {
  readonly #world: World;
  readonly #etcd: SimulatedEtcd;
  readonly #hosts: readonly Host[];
  readonly #elections = new Map<string, LeaderElection>();
  readonly #locks: LockUsers;
  /** Valid grants that were seen, by their tokens: who had them. */
  readonly #tokens = new Map<bigint, string>();
  #highest = 0n;
  #isPeace = false;
  #deeds = 0;

  constructor(seed: Seed) {
    this.#world = createWorld({ seed });
    this.#locks = new LockUsers(this.#world, TTL_MS);
    const worst = this.#world.chance(0.5) ? 1 : 0;
    this.#etcd = new SimulatedEtcd(this.#world, worst * MAX_DRIFT);
    const drift = () => (worst === 1 ? -MAX_DRIFT : (this.#world.random.next() * 2 - 1) * MAX_DRIFT);
    this.#hosts = ['a', 'b', 'c'].map((name) => this.#world.host(name, { drift: drift() }));
    this.#world.onStep(() => this.#check());
  }

  /** @throws Error when a promise is broken */
  async run(): Promise<LifeResult> {
    for (const host of this.#hosts) this.#start(host);
    this.#disturbAgain();
    await this.#world.run(FAULTS_MS);
    this.#isPeace = true;
    this.#etcd.stall(0);
    for (const host of this.#hosts) {
      this.#etcd.heal(host.name);
      host.resume();
      if (!host.running) this.#start(host);
    }
    const isLed = () => {
      const leader = this.#valid()[0]?.[1].token;
      return leader !== undefined && [...this.#elections.values()].every((each) => each.leader?.token === leader);
    };
    await this.#world.runUntil(isLed, RECOVERY_MS).catch((error: unknown) => {
      throw new Error(`nobody leads: ${this.#describe()}`, { cause: error });
    });
    return { grants: this.#tokens.size, deeds: this.#deeds, locks: this.#locks.taken };
  }

  #describe(): string {
    const keys = this.#etcd.model.range({ key: Buffer.from(NAME), range_end: Buffer.from(`${NAME}1`) });
    const known = [...this.#elections].map(([name, { leader, leadership }]) => {
      return `${name} knows ${leader?.nodeId} ${leader?.token}, has ${leadership?.token}`;
    });
    const told = keys.map(({ key, value, create_revision }) => `${String(key)} ${create_revision} ${String(value)}`);
    return [...known, ...told].join('; ');
  }

  #start(host: Host): void {
    this.#elections.delete(host.name);
    host.start(async (system) => {
      const election = leasedElection('election-etcd', {
        open: (context) => etcdLeases(this.#etcd.engine(host), context),
        leaseName: () => NAME,
        timings: leaseTimings('election-etcd', { ttlMs: TTL_MS }),
      }).create(contextOf(host, system));
      this.#elections.set(host.name, election);
      await election.start();
      const locks = leasedLocks('lock-etcd', {
        open: (context) => etcdLeases(this.#etcd.engine(host), context),
        leaseName: (_, lock) => `/life/${lock}`,
        minTtlMs: TTL_MS,
        maxLocks: 100,
      }).create(contextOf(host, system));
      await locks.start();
      this.#locks.use(host, system, locks);
      void this.#stand(host, election);
    });
  }

  async #stand(host: Host, election: LeaderElection): Promise<void> {
    const { boots } = host;
    while (host.running && host.boots === boots) {
      const grant = await election.campaign().catch(() => undefined);
      if (grant?.signal.aborted === false) {
        await new Promise((resolve) => grant.signal.addEventListener('abort', resolve, { once: true }));
      } else await new Promise<void>((resolve) => void host.system.clock.setTimer(5, resolve));
    }
  }

  #valid(): readonly (readonly [string, Leadership])[] {
    return this.#hosts.flatMap(({ name, running }) => {
      const grant = running ? this.#elections.get(name)?.leadership : undefined;
      return grant?.isValid() === true ? [[name, grant] as const] : [];
    });
  }

  #check(): void {
    this.#locks.check();
    const valid = this.#valid();
    if (valid.length > 1)
      throw new Error(`valid at one time: ${valid.map(([n, { token }]) => `${n} ${token}`).join()}`);
    for (const [name, { token }] of valid) {
      const owner = this.#tokens.get(token);
      if (owner === undefined && token <= this.#highest) throw new Error(`${name} got ${token} after ${this.#highest}`);
      if (owner !== undefined && owner !== name) throw new Error(`${token} was granted to ${owner} and ${name}`);
      this.#tokens.set(token, name);
      if (token > this.#highest) this.#highest = token;
    }
  }

  #disturbAgain(): void {
    this.#world.after(this.#world.random.next() * 1_500, () => {
      if (this.#isPeace) return;
      this.#disturb();
      this.#disturbAgain();
    });
  }

  #disturb(): void {
    const { random } = this.#world;
    this.#deeds += 1;
    const leader = this.#hosts.find(({ name }) => name === this.#valid()[0]?.[0]);
    const any = this.#hosts[random.int(this.#hosts.length)] as Host;
    const host = leader !== undefined && this.#world.chance(0.6) ? leader : any;
    const ms = random.next() * 2.5 * TTL_MS;
    switch (random.int(9)) {
      case 0:
        return this.#whileCut(host, ms);
      case 1:
        // What an operator does is worst where the leader can't know.
        this.#whileCut(host, ms);
        return this.#operate();
      case 2:
        return this.#operate();
      case 3:
        if (host.running) host.crash();
        return this.#later(ms, () => {
          if (!host.running) this.#start(host);
        });
      case 4:
        if (host.running) host.stall(ms);
        return;
      case 5:
        return this.#etcd.stall(ms);
      case 6:
        return this.#etcd.restart();
      case 7:
        return this.#etcd.model.compact();
      default:
        if (host.running)
          this.#elections
            .get(host.name)
            ?.resign()
            .catch(() => undefined);
    }
  }

  #whileCut(host: Host, ms: number): void {
    this.#etcd.cut(host.name);
    this.#later(ms, () => this.#etcd.heal(host.name));
  }

  /**
   * Deletes places or revokes their leases, one or all. Where the records of grants go with them, only who has seen them
   * knows of the grants: that is tested elsewhere.
   */
  #operate(): void {
    const { model } = this.#etcd;
    const names = [NAME, ...LockUsers.names];
    const name = names[this.#world.random.int(names.length)] ?? NAME;
    const places = model.range({ key: Buffer.from(`${name}/`), range_end: Buffer.from(`${name}0`) });
    const first = [...places].sort((a, b) => Number(a.create_revision) - Number(b.create_revision)).slice(0, 1);
    const chosen = this.#world.chance(0.5) ? first : places;
    if (this.#world.chance(0.5)) {
      model.transact({ success: chosen.map(({ key }) => ({ request_delete_range: { key } })) });
    } else for (const lease of new Set(chosen.map((kv) => kv.lease))) model.revoke(lease);
  }

  #later(ms: number, step: () => void): void {
    this.#world.after(ms, () => {
      if (!this.#isPeace) step();
    });
  }
}

function contextOf(host: Host, system: System): ClusterContext {
  const self = { id: host.name, host: host.address, port: 7_000 };
  const cluster = { name: 'life', id: 'life-1', adopt: () => undefined };
  const context = { ...system, logger: silentLogger, self, incarnation: host.boots, cluster };
  return context as unknown as ClusterContext;
}
