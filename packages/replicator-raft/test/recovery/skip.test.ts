import type { CommittedCommand } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { type HaltedAt, raftOperations } from '../../src/index.ts';
import { type KeyValueCommand, KeyValues } from '../key-values.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';

const NAMES = ['a', 'b', 'c'];
const POISON: KeyValueCommand = { type: 'fail', why: 'this is too much' };

function halted(cluster: SimulatedCluster, name: string): HaltedAt | undefined {
  return raftOperations(cluster.node(name)).status().halted;
}

async function haltedHere(cluster: SimulatedCluster, name: string): Promise<HaltedAt> {
  await cluster.world.runUntil(() => halted(cluster, name) !== undefined, 10_000);
  return halted(cluster, name) as HaltedAt;
}

/** All nodes have written, and stand at a command that none can apply. */
async function standing(cluster: SimulatedCluster): Promise<HaltedAt> {
  cluster.startAll();
  const leader = await cluster.elected();
  await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'before' }));
  cluster
    .node(leader)
    .replicate(POISON, { timeoutMs: 1000 })
    .catch(() => undefined);
  const positions = [];
  for (const name of cluster.names) positions.push(await haltedHere(cluster, name));
  const [first] = positions;
  for (const { index, place } of positions) expect({ index, place }).toEqual({ index: first?.index, place: 0 });
  return first as HaltedAt;
}

async function expectAllAt(cluster: SimulatedCluster, key: string, value: string): Promise<void> {
  for (const name of cluster.names) {
    expect(await cluster.soon(cluster.node(name).read(key, { consistency: 'linearizable' }))).toBe(value);
    expect(raftOperations(cluster.node(name)).status()).toMatchObject({ phase: 'running', halted: undefined });
  }
}

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

describe('skipCommand', () => {
  it('has all nodes go on without a command that no state machine can apply', async () => {
    const cluster = new SimulatedCluster('poison');
    const position = await standing(cluster);
    expect(position).toMatchObject({ canBeSkipped: true, reason: expect.stringContaining('this is too much') });
    const follower = NAMES.find((name) => name !== cluster.leader()) as string;
    await cluster.soon(raftOperations(cluster.node(follower)).skipCommand(position));
    await cluster.soon(cluster.node(follower).replicate({ type: 'put', key: 'x', value: 'after' }));
    await expectAllAt(cluster, 'x', 'after');
    // Asked for again, it is done.
    await cluster.soon(raftOperations(cluster.node(follower)).skipCommand(position));
  });

  it('is told of until then: reads, writes and backups are refused, naming the command', async () => {
    const cluster = new SimulatedCluster('refused');
    const { index } = await standing(cluster);
    const where = new RegExp(`command 0 of entry ${index}`, 'u');
    for (const name of NAMES) {
      const node = cluster.node(name);
      expect(raftOperations(node).status().phase).toBe('halted');
      await expect(cluster.soon(node.replicate({ type: 'add', key: 'n', by: 1 }))).rejects.toThrow(where);
      for (const consistency of ['linearizable', 'local', { maxStalenessMs: 60_000 }] as const)
        await expect(cluster.soon(node.read('x', { consistency }))).rejects.toThrow(where);
      await expect(cluster.soon(raftOperations(node).snapshotNow())).rejects.toThrow(where);
      const first = raftOperations(node).backup({ local: true })[Symbol.asyncIterator]().next();
      await expect(cluster.soon(first)).rejects.toThrow(where);
    }
  });

  it('outlives restarts: before the skip, and on a node that was away for it', async () => {
    const cluster = new SimulatedCluster('restart');
    const position = await standing(cluster);
    for (const name of NAMES) cluster.crash(name);
    cluster.startAll();
    const leader = await cluster.elected();
    for (const name of NAMES) expect(await haltedHere(cluster, name)).toMatchObject({ index: position.index });
    const away = NAMES.find((name) => name !== leader) as string;
    cluster.crash(away);
    await cluster.soon(raftOperations(cluster.node(leader)).skipCommand(position));
    await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'after' }));
    cluster.start(away);
    await cluster.world.runUntil(() => cluster.machines.get(away)?.values.get('x') === 'after', 10_000);
    await expectAllAt(cluster, 'x', 'after');
    for (const name of NAMES) cluster.crash(name);
    cluster.startAll();
    await cluster.elected();
    await expectAllAt(cluster, 'x', 'after');
  });

  it('goes to the command that was named, and to no other', async () => {
    const cluster = new SimulatedCluster('other');
    const { index, place } = await standing(cluster);
    for (const other of [
      { index: index - 1, place },
      { index, place: place + 1 },
    ]) {
      const skip = cluster.soon(raftOperations(cluster.node('a')).skipCommand(other));
      await expect(skip).rejects.toMatchObject({ code: 'REFUSED' });
    }
    for (const wrong of [
      { index: 0, place },
      { index, place: -1 },
      { index: 1.5, place },
    ]) {
      const skip = cluster.soon(raftOperations(cluster.node('a')).skipCommand(wrong));
      await expect(skip).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    expect(halted(cluster, 'a')).toMatchObject({ index, place });
  });

  it('is told to reads that wait when the group stops', async () => {
    const broken = new Set<string>();
    const machine = (name: string) => new Fragile(() => broken.has(name));
    const cluster = new SimulatedCluster('reads', NAMES, {}, { machine });
    cluster.startAll();
    const leader = await cluster.elected();
    const follower = NAMES.find((name) => name !== leader) as string;
    broken.add(follower);
    const write = cluster.node(leader).replicate({ type: 'put', key: 'hard', value: '1' });
    const reads = Array.from({ length: 20 }, async (_, n) => {
      await new Promise((resolve) => void cluster.world.after(n / 10, () => resolve(undefined)));
      return cluster.node(follower).read('hard', { consistency: 'linearizable' });
    });
    const results = await cluster.soon(Promise.allSettled(reads));
    await cluster.soon(write);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? String(result.reason) : []));
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(reason).toMatch(/command 0 of entry/u);
  });

  it('is refused where only a follower failed, which goes on once it is repaired', async () => {
    const broken = new Set<string>();
    const machine = (name: string) => new Fragile(() => broken.has(name));
    const cluster = new SimulatedCluster('follower', NAMES, {}, { machine });
    cluster.startAll();
    const leader = await cluster.elected();
    const follower = NAMES.find((name) => name !== leader) as string;
    broken.add(follower);
    await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'hard', value: '1' }));
    const position = await haltedHere(cluster, follower);
    const skip = cluster.soon(raftOperations(cluster.node(follower)).skipCommand(position));
    await expect(skip).rejects.toMatchObject({ code: 'REFUSED' });
    cluster.crash(follower);
    broken.clear();
    cluster.start(follower);
    await cluster.world.runUntil(() => cluster.machines.get(follower)?.values.get('hard') === '1', 10_000);
    await expectAllAt(cluster, 'hard', '1');
  });

  it('is refused where only the leader failed, and others have applied the command', async () => {
    const broken = new Set<string>();
    const machine = (name: string) => new Fragile(() => broken.has(name));
    const cluster = new SimulatedCluster('leader', NAMES, {}, { machine });
    cluster.startAll();
    const leader = await cluster.elected();
    broken.add(leader);
    const others = NAMES.filter((name) => name !== leader);
    cluster
      .node(leader)
      .replicate({ type: 'put', key: 'hard', value: '1' })
      .catch(() => undefined);
    const position = await haltedHere(cluster, leader);
    await cluster.world.runUntil(() => others.every((name) => cluster.machines.get(name)?.values.has('hard')), 10_000);
    const skip = cluster.soon(raftOperations(cluster.node(leader)).skipCommand(position));
    await expect(skip).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining(others.join(', ')) });
    cluster.crash(leader);
    broken.clear();
    cluster.start(leader);
    await cluster.world.runUntil(() => cluster.machines.get(leader)?.values.get('hard') === '1', 10_000);
    await cluster.elected();
    await expectAllAt(cluster, 'hard', '1');
  });

  it('is taken back by a node that had applied the command, and could not be asked', async () => {
    const broken = new Set<string>();
    const machine = (name: string) => new Fragile(() => broken.has(name));
    const cluster = new SimulatedCluster('away', NAMES, {}, { machine });
    cluster.startAll();
    const leader = await cluster.elected();
    const [halting, away] = NAMES.filter((name) => name !== leader) as [string, string];
    broken.add(leader).add(halting);
    const write = cluster.node(leader).replicate({ type: 'put', key: 'hard', value: '1' }, { timeoutMs: 60_000 });
    const isTold = expect(write).rejects.toThrow(/skipped/u);
    const position = await haltedHere(cluster, leader);
    await haltedHere(cluster, halting);
    await cluster.world.runUntil(() => cluster.machines.get(away)?.values.has('hard') === true, 10_000);
    cluster.world.partition(
      cluster.host(away),
      [leader, halting].map((name) => cluster.host(name)),
    );
    await cluster.soon(raftOperations(cluster.node(halting)).skipCommand(position));
    await isTold;
    cluster.world.heal();
    await cluster.elected();
    await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'after' }));
    await expectAllAt(cluster, 'x', 'after');
    for (const name of NAMES) expect(await cluster.soon(cluster.node(name).read('hard'))).toBeUndefined();
  });
});
