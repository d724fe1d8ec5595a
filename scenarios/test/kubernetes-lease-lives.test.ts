import { type ClusterContext, type LeaderElection, type Leadership, type System } from '@quorate/core';
import { kubernetesEngine, kubernetesLeases } from '@quorate/engine-kubernetes';
import { leasedElection, leaseTimings } from '@quorate/lease';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, it } from 'vitest';

import { LeaseApi } from '../src/kubernetes/lease-api.ts';
import { API_PORT, serveApi } from '../src/kubernetes/lease-api-server.ts';
import { simulatedHttp } from '../src/kubernetes/simulated-http.ts';

const SEEDS = Number(process.env['QUORATE_LEASE_SEEDS'] ?? 25);
const FIRST_SEED = Number(process.env['QUORATE_LEASE_SEED'] ?? 1);
const LIFE_MS = 240_000;
const TTL_MS = 15_000;
const LEASE = 'leader';

/** A world with nodes, an API server and an operator who does what should not be done. */
class Life {
  readonly world: World;
  readonly api: LeaseApi;
  readonly #server: Host;
  readonly #nodes: readonly Host[];
  readonly #elections = new Map<string, LeaderElection>();
  #former: Leadership | undefined;
  #backup: unknown;
  grants = 0;

  constructor(seed: number) {
    this.world = createWorld({ seed: `leases-${seed}`, link: { latencyMs: 5, jitterMs: 20 } });
    this.api = new LeaseApi((text) => this.world.note(text));
    this.#server = this.world.host('api');
    const drift = (): number => (this.world.random.next() - 0.5) * 0.1;
    this.#nodes = ['a', 'b', 'c'].map((name) => this.world.host(name, { drift: drift() }));
    this.#server.start(async (system) => serveApi(system, this.api, this.#server.address));
    for (const node of this.#nodes) node.start((system) => this.#run(node, system));
    this.world.onStep(() => this.#check());
  }

  async live(): Promise<void> {
    for (let passedMs = 0; passedMs < LIFE_MS;) {
      const ms = 50 + this.world.random.next() ** 2 * 20_000;
      await this.world.run(ms);
      passedMs += ms;
      this.#happen();
    }
    this.world.heal();
    for (const host of [this.#server, ...this.#nodes]) {
      if (!host.running) host.restart();
      else host.resume();
    }
    const leads = (): boolean => [...this.#elections.values()].some(({ leadership }) => leadership?.isValid() === true);
    await this.world.runUntil(leads, 3 * TTL_MS);
    await this.world.run(TTL_MS);
  }

  #run(node: Host, system: System): Promise<void> {
    const server = { host: this.#server.address, port: API_PORT };
    const plugin = leasedElection('election-kubernetes', {
      open: (context) =>
        kubernetesLeases(
          context,
          { engine: kubernetesEngine({ http: simulatedHttp(context.net, server) }) },
          { waitsWhenAbsent: true },
        ),
      leaseName: () => LEASE,
      timings: leaseTimings('election', { ttlMs: TTL_MS, validForMs: 10_000 }),
    });
    const self = { id: node.name, host: node.address, port: 7000 };
    const parts = { ...system, self, incarnation: node.boots, cluster: { name: 'lives' } };
    const election = plugin.create(parts as unknown as ClusterContext);
    this.#elections.set(node.name, election);
    return this.#campaign(system, election);
  }

  async #campaign({ clock }: System, election: LeaderElection): Promise<void> {
    await election.start();
    for (;;) {
      const grant = await election.campaign().catch(() => undefined);
      await new Promise<unknown>((resolve) => {
        if (grant === undefined || grant.signal.aborted) clock.setTimer(1_000, () => resolve(undefined));
        else grant.signal.addEventListener('abort', resolve, { once: true });
      });
    }
  }

  /** At every step of the world: at most one valid grant, and tokens that grow. */
  #check(): void {
    const valid = this.#nodes
      .filter(({ running }) => running)
      .map(({ name }) => this.#elections.get(name)?.leadership)
      .filter((grant) => grant?.isValid() === true);
    const told = valid.map((grant) => `${grant?.nodeId} ${grant?.token}`);
    if (told.length > 1) throw new Error(`two grants are valid at one time: ${told.join(' and ')}`);
    const [grant] = valid;
    if (grant === undefined || grant === this.#former) return;
    if (grant.token <= (this.#former?.token ?? 0n))
      throw new Error(`token ${grant.token} after ${this.#former?.token}`);
    this.#former = grant;
    this.grants += 1;
  }

  #happen(): void {
    const events = [
      () => this.#crash(),
      () => this.#stop(),
      () => this.#separate(),
      () => this.world.heal(),
      () =>
        void this.#election()
          ?.resign()
          .catch(() => undefined),
      () => this.#server.stall(this.world.random.next() * 20_000),
      () => this.#server.restart(),
      () => this.api.forget(),
      () => this.#meddle(),
      () => this.#meddle(),
      () => this.#conspire(),
      () => this.#conspire(),
      () => this.#conspire(),
    ];
    this.#pick(events)?.();
  }

  #meddle(): void {
    const acts = [
      () => this.#operate('delete', () => this.api.delete(LEASE)),
      () => this.#operate('empty', () => this.#patch({ holderIdentity: '' })),
      () => this.#operate('overwrite', () => this.#patch({ holderIdentity: 'somebody' })),
      () => this.#operate('shorten', () => this.#patch({ leaseDurationSeconds: 2 })),
      () => this.#operate('label', () => this.#patch({})),
      () => this.#operate('back up', () => this.#backUp()),
      () => this.#operate('restore', () => this.#restore()),
    ];
    this.#pick(acts)?.();
  }

  /** The operator meddles when the leader can't hear of it, and then comes one who has missed the last of its renewals. */
  #conspire(): void {
    const leader = this.#nodes.find(({ name }) => this.#elections.get(name)?.leadership?.isValid() === true);
    const other = this.#pick(this.#nodes.filter((node) => node !== leader));
    if (leader === undefined || other === undefined) return;
    this.world.partition(other, this.#server);
    if (this.world.chance(0.5)) this.#backUp();
    this.world.after(this.world.random.next() * 14_000, () => {
      this.world.partition(leader, this.#server);
      this.#meddle();
      if (this.world.chance(0.5) && other.running) other.restart();
      this.world.after(this.world.random.next() * 2_000, () => {
        this.world.unblock(other, this.#server);
        this.world.unblock(this.#server, other);
      });
    });
  }

  #crash(): void {
    const node = this.#pick(this.#nodes);
    if (node?.running !== true) return;
    node.crash();
    this.world.after(this.world.random.next() * 20_000, () => {
      if (!node.running) node.restart();
    });
  }

  #stop(): void {
    const node = this.#pick(this.#nodes);
    if (node?.running === true && !node.paused) node.stall(this.world.random.next() * 40_000);
  }

  #separate(): void {
    const node = this.#pick(this.#nodes);
    if (node === undefined) return;
    if (this.world.chance(0.5)) this.world.block(node, this.#server);
    if (this.world.chance(0.5)) this.world.block(this.#server, node);
  }

  #operate(what: string, act: () => unknown): void {
    this.world.note(`operator: ${what}`);
    act();
  }

  #patch(spec: Readonly<Record<string, unknown>>): void {
    const known = this.api.get(LEASE);
    if (known === undefined) return;
    const { resourceVersion: _, ...metadata } = known.metadata;
    this.api.update(LEASE, { ...known, metadata, spec: { ...known.spec, ...spec } });
  }

  /** Of a record that says that it was given back nobody who comes new could tell that it is old. */
  #backUp(): void {
    const spec = this.api.get(LEASE)?.spec;
    if (spec?.['leaseDurationSeconds'] !== 1) this.#backup = spec ?? this.#backup;
  }

  #restore(): void {
    if (this.#backup === undefined) return;
    const metadata = { name: LEASE };
    if (this.api.get(LEASE) === undefined) this.api.create({ metadata, spec: this.#backup });
    else this.api.update(LEASE, { metadata, spec: this.#backup });
  }

  #election(): LeaderElection | undefined {
    const node = this.#pick(this.#nodes);
    return node?.running === true ? this.#elections.get(node.name) : undefined;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.world.random.next() * items.length)];
  }
}

describe('lives with faults and an operator', () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    it(`seed ${seed}`, async () => {
      const life = new Life(seed);
      await life.live();
      if (life.grants < 2) throw new Error(`hardly anybody led: ${life.grants} grants`);
    });
  }
});
