import { describe, expect, it } from 'vitest';

import { SwimWorld, type WorldNode } from './swim-world.ts';

// Set for a longer search.
const SEEDS = Number(process.env['QUORATE_SWIM_SEEDS'] ?? 4);
const COUNT = 8;
const DEEDS = 25;

describe('a cluster to which everything happens', () => {
  it.each(Array.from({ length: SEEDS }, (_, at) => at + 1))('agrees when it is left alone (seed %i)', (seed) => {
    const world = new SwimWorld({ seed, delayMs: [0.2, 3], exchangesEveryMs: 5000 });
    const chaos = new Chaos(world);
    for (let deed = 0; deed < DEEDS; deed += 1) {
      chaos.doSomething();
      world.run(world.random.int(4000));
    }
    chaos.makePeace();
    expect(chaos.disagreements()).toEqual([]);
    expect(chaos.wronged).toEqual([]);
  });
});

/** Does to a world what happens to clusters, and knows what is to be seen in the end. */
class Chaos {
  readonly wronged: string[] = [];
  readonly #world: SwimWorld;
  /** The process that runs as each node, by id. */
  readonly #current = new Map<string, WorldNode>();
  readonly #leaving = new Set<WorldNode>();
  #started = 0;

  constructor(world: SwimWorld) {
    this.#world = world;
    const ids = Array.from({ length: COUNT }, (_, at) => `n${at}`);
    for (const id of ids) this.#current.set(id, world.start(id, { run: 1 + world.random.int(1000) }));
    for (const id of ids.slice(1)) {
      world.exchange(id, 'n0');
      world.run(100);
    }
    world.onChange = (_, { type, member }) => {
      const node = this.#current.get(member.id);
      // Where a quarter is lost, a farewell and all that would tell of it may be.
      if (world.loss > 0.1) return;
      if (type === 'failed' && node !== undefined && this.#leaving.has(node) && node.hasLeft) {
        this.wronged.push(`${member.id} left in order and was called failed`);
      }
    };
  }

  doSomething(): void {
    const { random } = this.#world;
    const id = `n${random.int(COUNT)}`;
    const node = this.#current.get(id);
    const deed = random.int(8);
    if (node === undefined || node.condition === 'killed' || node.condition === 'dark') return this.#startAgain(id);
    if (deed === 0) node.kill();
    else if (deed === 1) node.darken();
    else if (deed === 2) node.stall(random.int(6000));
    else if (deed === 3) this.#leave(node);
    else if (deed === 4) this.#world.loss = random.next() * 0.3;
    else if (deed === 5) this.#world.cut(node.name, this.#other(node).name);
    else if (deed === 6) this.#world.heal();
    else node.swim.describe({ ...node.swim.self.node, metadata: { at: `${this.#world.now}` } }, this.#world.now);
  }

  /** No more faults; discovery has those meet who have lost each other. */
  makePeace(): void {
    this.#world.heal();
    this.#world.loss = 0;
    this.#world.run(40_000);
    const well = this.#well();
    for (let round = 0; round < 3; round += 1) {
      for (const node of well) this.#world.exchange(node.name, this.#other(node).name);
      for (const node of well.slice(1)) this.#world.exchange(node.name, well[0]?.name ?? '');
      this.#world.run(10_000);
    }
  }

  disagreements(): readonly string[] {
    const well = this.#well();
    return well.flatMap((node) => [
      ...well.flatMap((other) => this.#wrongAbout(node, other)),
      ...[...node.swim.members.values()]
        .filter(({ id, state }) => state === 'suspect' || (state === 'alive' && !this.#isWell(id)))
        .map(({ id, state }) => `${node.name} sees ${id} as ${state}, and it isn't there`),
    ]);
  }

  #wrongAbout(node: WorldNode, other: WorldNode): readonly string[] {
    const seen = node.swim.members.get(other.id);
    if (seen?.state !== 'alive') return [`${node.name} sees ${other.name} as ${seen?.state}`];
    const own = other.swim.self;
    const isSame =
      seen.refutation === own.refutation && seen.incarnation === own.incarnation && seen.node.host === own.node.host;
    return isSame ? [] : [`${node.name} has an older version of ${other.name}`];
  }

  /** At the same address or another one, with a higher run or a lower one. */
  #startAgain(id: string): void {
    const { random } = this.#world;
    this.#started += 1;
    const name = `${id}-${this.#started}`;
    const at = random.int(2) === 0 ? id : name;
    const node = this.#world.start(name, { id, run: 1 + random.int(1000), at });
    this.#current.set(id, node);
    this.#world.exchange(name, this.#other(node).name);
  }

  #leave(node: WorldNode): void {
    if (this.#well().length < 3 || this.#leaving.has(node)) return;
    this.#leaving.add(node);
    node.swim.leave(this.#world.now);
    this.#world.run(1500);
    node.kill();
  }

  #well(): readonly WorldNode[] {
    return [...this.#current.values()].filter((node) => node.condition === 'well' || node.condition === 'stalled');
  }

  #isWell(id: string): boolean {
    return this.#well().some((node) => node.id === id);
  }

  #other(node: WorldNode): WorldNode {
    const others = this.#well().filter((each) => each !== node);
    return others[this.#world.random.int(Math.max(1, others.length))] ?? node;
  }
}
