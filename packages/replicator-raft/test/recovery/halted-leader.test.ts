import type { CommittedCommand } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { raftOperations } from '../../src/index.ts';
import { type KeyValueCommand, KeyValues } from '../key-values.ts';
import { SimulatedCluster, type StageOptions } from '../simulated-cluster.ts';

const NAMES = ['a', 'b', 'c'];
const HARD: KeyValueCommand = { type: 'put', key: 'hard', value: '1' };

/** Fails at what is fine elsewhere, as long as it is told to. */
class Fragile extends KeyValues {
  readonly #isBroken: () => boolean;

  constructor(isBroken: () => boolean) {
    super();
    this.#isBroken = isBroken;
  }

  override apply(batch: readonly CommittedCommand<KeyValueCommand>[]): readonly string[] {
    const isHard = ({ command }: CommittedCommand<KeyValueCommand>) => 'key' in command && command.key === 'hard';
    if (this.#isBroken() && batch.some(isHard)) throw new Error('only here');
    return super.apply(batch);
  }
}

/** Nodes of which some can't apply a command, and its leader. */
async function led(seed: string, options: StageOptions = {}) {
  const broken = new Set<string>();
  const machine = (name: string) => new Fragile(() => broken.has(name));
  const cluster = new SimulatedCluster(seed, NAMES, {}, { ...options, machine });
  cluster.startAll();
  await cluster.elected();
  await cluster.world.run(3000);
  const leader = cluster.leader() as string;
  return { cluster, broken, leader };
}

function isHalted(cluster: SimulatedCluster, name: string): boolean {
  return raftOperations(cluster.node(name)).status().phase === 'halted';
}

/** A command that the leader can't apply. */
async function stop(cluster: SimulatedCluster, leader: string): Promise<void> {
  cluster
    .node(leader)
    .replicate(HARD)
    .catch(() => undefined);
  await cluster.world.runUntil(() => isHalted(cluster, leader), 10_000);
}

describe('a leader whose machine has stopped', () => {
  it.each([1, 2, 3, 4, 5])('leaves it to one whose machine goes on (seed %i)', async (seed) => {
    const { cluster, broken, leader } = await led(`leaves ${seed}`);
    broken.add(leader);
    await stop(cluster, leader);
    const isReplaced = () => cluster.leader() !== undefined && cluster.leader() !== leader;
    await cluster.world.runUntil(isReplaced, 1000);
    const next = cluster.leader() as string;
    for (const name of NAMES.filter((each) => each !== leader)) {
      await cluster.soon(cluster.node(name).replicate({ type: 'add', key: 'n', by: 1 }));
    }
    expect(await cluster.soon(cluster.node(next).read('n', { consistency: 'linearizable' }))).toBe('2');
    const { term } = cluster.node(next).status();
    await cluster.world.run(30_000);
    expect(cluster.node(next).status()).toMatchObject({ role: 'leader', term });
    expect(isHalted(cluster, leader)).toBe(true);
  });

  it('leaves it again where that one stops at a later command, and not to who has stopped before', async () => {
    const { cluster, broken, leader } = await led('again');
    broken.add(leader);
    await stop(cluster, leader);
    await cluster.world.runUntil(() => ![undefined, leader].includes(cluster.leader()), 1000);
    const second = cluster.leader() as string;
    broken.add(second);
    await stop(cluster, second);
    const third = NAMES.find((name) => name !== leader && name !== second) as string;
    await cluster.world.runUntil(() => cluster.leader() === third, 1000);
    await cluster.soon(cluster.node(third).replicate({ type: 'add', key: 'n', by: 1 }));
  });

  it('stays where no machine can apply the command, and leadership rests', async () => {
    const { cluster, broken, leader } = await led('nobody');
    for (const name of NAMES) broken.add(name);
    await stop(cluster, leader);
    const { term } = cluster.node(leader).status();
    await cluster.world.run(120_000);
    for (const name of NAMES) expect(isHalted(cluster, name)).toBe(true);
    expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', term });
  });

  it('leaves it, however late, to one that was mended', async () => {
    const { cluster, broken, leader } = await led('mended');
    for (const name of NAMES) broken.add(name);
    await stop(cluster, leader);
    await cluster.world.run(60_000);
    const mended = NAMES.find((name) => name !== leader) as string;
    broken.delete(mended);
    cluster.crash(mended);
    cluster.start(mended);
    await cluster.world.runUntil(() => cluster.live.includes(mended) && cluster.leader() === mended, 10_000);
    expect(await cluster.soon(cluster.node(mended).replicate({ type: 'add', key: 'n', by: 1 }))).toBe('1');
  });

  it('stays where its priority is higher: it would be handed leadership again and again', async () => {
    const { cluster, broken, leader } = await led('priority', { priorities: { b: 1 } });
    expect(leader).toBe('b');
    broken.add('b');
    await stop(cluster, 'b');
    const { term } = cluster.node('b').status();
    await cluster.world.run(30_000);
    expect(cluster.node('b').status()).toMatchObject({ role: 'leader', term });
  });
});
