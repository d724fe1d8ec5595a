import type { NodeId } from '@quorate/core';
import { createWorld, faults, type Host, type Seed, type World } from '@quorate/simulator';

import { type MembershipName, SplitLife, type StrategyName } from './split-life.ts';

export interface SplitOptions {
  readonly strategy: StrategyName;
  readonly membership: MembershipName;
  /** Hosts stand still, die and links lose messages while the cluster is divided. */
  readonly troubled: boolean;
  /** The partition ends about when the nodes decide: some have, and others don't any more. */
  readonly brief?: boolean;
}

export interface SplitResult {
  /** How many of how many went on. */
  readonly survived: number;
  readonly sides: readonly number[];
  readonly engineReached: boolean;
}

/** Longer than any of the strategies takes, the instable included. */
const SETTLED_AFTER_MS = 150_000;
const TROUBLE_MS = 20_000;
/** All strategies and memberships have decided somewhere in between. */
const MIN_BRIEF_MS = 5_000;
const BRIEF_SPREAD_MS = 12_000;

/**
 * One seeded life: a cluster comes to be, falls apart into sides, and each node decides. At most one side goes on, which is the
 * one that the strategy promises, where nothing else happens. Then it heals, those who went down are started again, and all are one.
 * @throws Error with seed and trace when a promise was broken
 */
export async function runSplit(seed: Seed, options: SplitOptions): Promise<SplitResult> {
  const world = createWorld({ seed, link: { latencyMs: 0.3, jitterMs: 2 } });
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, 2 + world.random.int(6));
  const life = new SplitLife(world, ids, options.strategy, options.membership);
  await comeToBe(world, life);
  const sides = divide(world, life.hosts);
  const engineReached = cutOffEngine(world, life, sides);
  if (options.troubled) await trouble(world, life.hosts);
  if (options.brief === true) {
    await world.run(MIN_BRIEF_MS + world.random.int(BRIEF_SPREAD_MS));
    world.heal();
  }
  await world.run(SETTLED_AFTER_MS);
  const surviving = sides.filter((side) => life.surviving(side).length > 0);
  const check = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${what}\n${life.describe()}\n${world.trace.text(30)}`);
  };
  if (options.brief !== true) check(surviving.length <= 1, 'two sides go on');
  checkRemoved(life, check);
  if (!options.troubled && options.brief !== true) checkUntroubled(life, sides, engineReached, options, check);
  const survived = life.surviving().length;
  await heal(world, life, check);
  return { survived, sides: sides.map(({ length }) => length), engineReached };
}

type Check = (holds: boolean, what: string) => void;

async function comeToBe(world: World, life: SplitLife): Promise<void> {
  life.startEngine();
  // One after another, so that one of them is the oldest.
  for (const host of life.hosts) {
    life.start(host);
    await world.run(world.chance(0.5) ? 3_000 : 10);
  }
  await world.runUntil(() => life.isWhole(), 60_000);
  await world.run(2_000);
}

function divide(world: World, hosts: readonly Host[]): readonly (readonly Host[])[] {
  const count = world.chance(0.7) ? 2 : 3;
  const drawn = hosts.map(() => world.random.int(count));
  // Nobody is left to be cut off from where all were drawn onto one side.
  if (drawn.every((side) => side === drawn[0])) drawn[0] = ((drawn[0] ?? 0) + 1) % count;
  const sides = Array.from({ length: count }, (_, side) => hosts.filter((_host, at) => drawn[at] === side));
  for (const [at, side] of sides.entries()) {
    for (const other of sides.slice(at + 1)) if (side.length * other.length > 0) world.partition(side, other);
  }
  return sides.filter(({ length }) => length > 0);
}

/** From some, from all, or from nobody. True when all reach it. */
function cutOffEngine(world: World, life: SplitLife, sides: readonly (readonly Host[])[]): boolean {
  if (world.chance(0.6)) return true;
  const cutOff = world.chance(0.5) ? sides.flat() : (sides[0] ?? []);
  world.partition([...cutOff], life.engine);
  return false;
}

/** Nothing that opens the partition again, and nobody is started: who dies is dead. */
async function trouble(world: World, hosts: readonly Host[]): Promise<void> {
  const schedule = faults(world, hosts, {
    everyMs: 2_000,
    lastMs: 3_000,
    maxDown: Math.ceil(hosts.length / 3),
    kinds: ['pause', 'pause', 'link', 'crash'],
    restart: () => undefined,
  });
  await world.run(TROUBLE_MS);
  schedule.stop();
}

/** Nobody goes on whom another has removed that goes on as well. */
function checkRemoved(life: SplitLife, check: Check): void {
  const surviving = life.surviving();
  for (const id of surviving) {
    const both =
      life.runs
        .get(id)
        ?.removed()
        .filter((other) => surviving.includes(other)) ?? [];
    check(both.length === 0, `${id} has removed ${both.join(', ')}, and all go on`);
  }
}

function checkUntroubled(
  life: SplitLife,
  sides: readonly (readonly Host[])[],
  engineReached: boolean,
  { strategy }: SplitOptions,
  check: Check,
): void {
  for (const side of sides) {
    const gone = life.hosts.filter((host) => !side.includes(host)).map(({ name }) => name);
    const alive = life.surviving(side);
    check(alive.length === 0 || alive.length === side.length, 'a side goes on in part');
    for (const id of alive) {
      const run = life.runs.get(id);
      check(JSON.stringify(run?.removed()) === JSON.stringify(gone), `${id} has not removed ${gone.join(', ')}`);
      check(run?.decisions.length === 1, `${id} has not decided once`);
    }
  }
  const expected = expectedSide(life, sides, strategy);
  if (expected !== undefined) check(same(life.surviving(), expected), `not ${expected.join(', ') || 'none'} go on`);
  const all = life.hosts.length;
  const largest = sides.find(({ length }) => 2 * length > all);
  if (strategy !== 'leaseMajority' || !engineReached) return;
  check(life.surviving().length > 0, 'nobody goes on, though all reach the engine');
  // Not by chance: the others wait.
  if (largest !== undefined) check(life.surviving(largest).length > 0, 'a minority goes on');
}

/** Undefined where it depends on who is quicker, or on the engine. */
function expectedSide(
  life: SplitLife,
  sides: readonly (readonly Host[])[],
  strategy: StrategyName,
): readonly NodeId[] | undefined {
  const names = (side: readonly Host[] = []) => side.map(({ name }) => name);
  if (strategy === 'downAll') return [];
  if (strategy === 'leaseMajority') return undefined;
  if (strategy !== 'keepOldest') return names(sides.find(({ length }) => 2 * length > life.hosts.length));
  // Those who were stopped don't tell any more, but the first to start is first, and then comes the first by id.
  const oldest = life.hosts[0];
  const side = sides.find((each) => oldest !== undefined && each.includes(oldest));
  if (side?.length !== 1 || life.hosts.length === 2) return names(side);
  return sides.length === 2 ? names(sides.find((each) => each !== side)) : [];
}

async function heal(world: World, life: SplitLife, check: Check): Promise<void> {
  world.heal();
  for (const host of life.hosts) {
    host.resume();
    if (!host.running || life.surviving([host]).length === 0) life.start(host);
  }
  const survivors = life.surviving();
  await world
    .runUntil(() => life.isWhole(), 120_000)
    .catch((error: unknown) => {
      throw new Error(`they don't meet again\n${life.describe()}`, { cause: error });
    });
  await world.run(30_000);
  check(life.isWhole(), 'a whole cluster goes down');
  for (const id of survivors) check(life.runs.get(id)?.removed().length === 0, `${id} still has nodes removed`);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}
