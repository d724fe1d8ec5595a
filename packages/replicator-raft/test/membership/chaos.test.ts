import { isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import type { RaftMembers } from '../../src/index.ts';
import { Stage } from './stage.ts';

const FOUNDERS = ['a', 'b', 'c'];
const OTHERS = ['d', 'e', 'f'];
const ALL = [...FOUNDERS, ...OTHERS];
const STEPS = 100;
const RUNS = Number(process.env['MEMBERSHIP_RUNS'] ?? 8);

describe('changes of the members in a world that fails', () => {
  for (let run = 0; run < RUNS; run += 1) {
    it(`leave one history and one set of members (${run})`, async () => {
      const snapshots = run % 2 === 0 ? { everyEntries: 15, keepEntries: 0 } : {};
      // Some on real files and real TCP.
      const chaos = new Chaos(`chaos-${run}`, { snapshots, real: run % 3 === 2 });
      await chaos.run();
    });
  }
});

class Chaos {
  readonly stage: Stage;
  readonly #down = new Set<string>();
  #changes = 0;

  constructor(seed: string, options: ConstructorParameters<typeof Stage>[3]) {
    this.stage = new Stage(seed, FOUNDERS, OTHERS, options);
  }

  async run(): Promise<void> {
    const { world } = this.stage.cluster;
    await this.stage.begin();
    for (let step = 0; step < STEPS; step += 1) {
      this.#step();
      await world.run(world.random.int(400));
    }
    await this.#recover();
    expect(this.#changes).toBeGreaterThan(0);
  }

  #step(): void {
    const { world } = this.stage.cluster;
    const steps = [
      () => this.#change(),
      () => this.#change(),
      () => this.#write(),
      () => this.#write(),
      () => this.#write(),
      () => this.#crash(),
      () => this.#restart(),
      () => this.#restart(),
      () => this.#partition(),
      () => world.heal(),
      () => world.heal(),
    ];
    (steps[world.random.int(steps.length)] as () => void)();
  }

  #change(): void {
    const via = this.#any(this.#running());
    if (via === undefined) return;
    const members = this.stage.members(via);
    this.#ask(members).then(
      () => (this.#changes += 1),
      (error: unknown) => {
        if (!isClusterError(error) || error.outcome === undefined) throw error;
      },
    );
  }

  #ask(members: RaftMembers): Promise<void> {
    const { random } = this.stage.cluster.world;
    const options = { timeoutMs: 500 + random.int(5000) };
    const node = this.#any(ALL) as string;
    const kind = random.int(5);
    if (kind <= 1) return members.addNode(node, { ...options, as: random.int(4) === 0 ? 'learner' : 'voter' });
    if (kind <= 3) return members.removeNode(node, options);
    return members.replaceNode(node, this.#any(ALL) as string, options);
  }

  #write(): void {
    const via = this.#any(this.#running());
    if (via !== undefined) this.stage.writeSoon(via).catch(() => undefined);
  }

  #crash(): void {
    const { cluster } = this.stage;
    const name = this.#any(cluster.live);
    if (name === undefined || this.#down.size >= 2) return;
    cluster.crash(name);
    this.#down.add(name);
  }

  #restart(): void {
    const [name] = this.#down;
    if (name === undefined) return;
    this.#down.delete(name);
    this.stage.cluster.start(name);
  }

  #partition(): void {
    const { world, names } = this.stage.cluster;
    const sides = names.map((name) => ({ host: this.stage.cluster.host(name), isLeft: world.chance(0.3) }));
    const [left, right] = [true, false].map((side) =>
      sides.filter(({ isLeft }) => isLeft === side).map(({ host }) => host),
    );
    world.heal();
    world.partition(left ?? [], right ?? []);
  }

  /** All is well again: whatever was begun comes to its end, and in the end everyone is a member. */
  async #recover(): Promise<void> {
    const { cluster } = this.stage;
    cluster.world.heal();
    for (const name of this.#down) cluster.start(name);
    await cluster.world.run(20_000);
    this.stage.checkHistories();
    for (const name of ALL) {
      const isMember = () => {
        const leader = cluster.leader();
        const known = leader === undefined ? [] : this.stage.members(leader).all;
        return known.some((member) => member.nodeId === name && member.role === 'voter');
      };
      await this.stage.insist(ALL, (members) => members.addNode(name), isMember);
    }
    await this.stage.settled(...ALL);
  }

  #running(): readonly string[] {
    return ALL.filter((name) => this.stage.phase(name) === 'running');
  }

  #any(names: readonly string[]): string | undefined {
    return names[this.stage.cluster.world.random.int(Math.max(1, names.length))];
  }
}
