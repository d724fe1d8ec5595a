import {
  type Cluster,
  type ClusterOptions,
  createCluster,
  isClusterError,
  type Lock,
  type Locks,
  type Plugin,
  type Storage,
} from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { raftLocks, raftMembers, raftOperations } from '../src/index.ts';

const VOTERS = ['a', 'b', 'c'];

/** Nodes of which the first three keep the locks. */
class Nodes {
  readonly world: World;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #hosts = new Map<string, { readonly host: Host; readonly storage: Plugin<Storage, 'storage'> }>();
  readonly #clusters = new Map<string, Cluster>();

  constructor(seed: string) {
    this.world = createWorld({ seed });
    this.#network = memoryNetwork({ route: this.world.route });
    for (const name of [...VOTERS, 'd']) {
      this.#hosts.set(name, { host: this.world.host(name), storage: memoryStorage({ disk: memoryDisk() }) });
    }
  }

  start(name: string): void {
    const { host, storage } = this.#of(name);
    const seedNodes = VOTERS.map((voter) => ({ host: this.#of(voter).host.address, port: 7000 }));
    host.start(async (system) => {
      const options: ClusterOptions = {
        nodeId: name,
        bind: { host: host.address, port: 7000 },
        seedNodes,
        system,
        storage,
        transport: memoryTransport({ network: this.#network }),
        locks: raftLocks({ voters: VOTERS }),
      };
      const cluster = createCluster(options);
      this.#clusters.set(name, cluster);
      await cluster.start();
    });
  }

  async running(...names: readonly string[]): Promise<void> {
    for (const name of names) this.start(name);
    await this.world.runUntil(() => names.every((name) => this.#clusters.get(name)?.status === 'running'), 10_000);
  }

  locks(name: string): Locks {
    return (this.#clusters.get(name) as Cluster).locks;
  }

  crash(name: string): void {
    this.#of(name).host.crash();
    this.#clusters.delete(name);
  }

  async soon<T>(promise: Promise<T>, withinMs = 10_000): Promise<T> {
    return await this.world.settled(promise, withinMs);
  }

  async stop(): Promise<void> {
    await this.soon(Promise.all([...this.#clusters.values()].map(async (cluster) => cluster.stop())));
  }

  #of(name: string): { readonly host: Host; readonly storage: Plugin<Storage, 'storage'> } {
    const found = this.#hosts.get(name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  }
}

describe('a node that keeps no locks itself', () => {
  it('has them like any other, and soon when its turn comes', async () => {
    const nodes = new Nodes('a node that is no member');
    await nodes.running('a', 'b', 'c', 'd');
    const first = await nodes.soon(nodes.locks('a').lock('x'));
    expect(await nodes.soon(nodes.locks('d').tryLock('x'))).toBe(undefined);
    let second: Lock | undefined;
    const waiting = nodes.locks('d').lock('x');
    void waiting.then((lock) => (second = lock));
    await nodes.world.run(30_000);
    expect(second).toBe(undefined);
    const released = nodes.world.now;
    await nodes.soon(first.release());
    await nodes.soon(waiting);
    // It is told; had it to ask, that would be after a sixth of 15 seconds.
    expect(nodes.world.now - released).toBeLessThan(100);
    expect(second?.token).toBeGreaterThan(first.token);
    await nodes.world.run(60_000);
    expect(second?.isValid()).toBe(true);
    await nodes.stop();
  });

  it('waits while no member can be reached, and gives up when it is told to', async () => {
    const nodes = new Nodes('nobody to ask');
    await nodes.running('d');
    const call = nodes.locks('d').lock('x', { waitMs: 3_000 });
    await expect(nodes.soon(call)).rejects.toSatisfy((error) => isClusterError(error, 'TIMEOUT'));
    const served = nodes.locks('d').lock('x');
    await nodes.world.run(5_000);
    await nodes.running('a', 'b', 'c');
    expect((await nodes.soon(served)).isValid()).toBe(true);
    await nodes.stop();
  });
});

describe('locks in a log', () => {
  it.each([
    ['and nothing else was asked for', undefined],
    ['also where a longer one was there before', 600_000],
  ])('of a node that has died are free when their time is over, %s', async (_, beforeMs) => {
    const nodes = new Nodes('how soon');
    await nodes.running('a', 'b', 'c');
    if (beforeMs !== undefined) {
      const before = await nodes.soon(nodes.locks('b').lock('y', { ttlMs: beforeMs }));
      await nodes.soon(before.release());
    }
    await nodes.soon(nodes.locks('a').lock('x', { ttlMs: 5_000 }));
    // Nothing else is asked of the log meanwhile.
    const waiting = nodes.locks('b').lock('x', { ttlMs: 3_600_000 });
    await nodes.world.run(2_000);
    nodes.crash('a');
    const died = nodes.world.now;
    await nodes.soon(waiting);
    // And an election, where it was the leader that has died.
    expect(nodes.world.now - died).toBeLessThan(5_000 + 1_500);
    expect(nodes.world.now - died).toBeGreaterThan(3_500);
    await nodes.stop();
  });

  it('are refused by name where something is in use in another way', async () => {
    const nodes = new Nodes('misfit');
    await nodes.running('a', 'b', 'c');
    await nodes.soon(nodes.locks('a').lock('x'));
    const refused = nodes.soon(nodes.locks('b').readLock('x'));
    await expect(refused).rejects.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS'));
    await nodes.stop();
  });

  it('move to another node with the group, and stay what they are', async () => {
    const nodes = new Nodes('another member');
    await nodes.running('a', 'b', 'c', 'd');
    const held = await nodes.soon(nodes.locks('a').lock('x'));
    await nodes.soon(raftMembers(nodes.locks('b')).replaceNode('c', 'd'), 30_000);
    expect(
      raftMembers(nodes.locks('a'))
        .all.map(({ nodeId }) => nodeId)
        .sort(),
    ).toEqual(['a', 'b', 'd']);
    // It is no member any more, and has locks like any other.
    const waiting = nodes.locks('c').lock('x');
    await nodes.world.run(20_000);
    expect(held.isValid()).toBe(true);
    await nodes.soon(held.release());
    expect((await nodes.soon(waiting)).token).toBeGreaterThan(held.token);
    nodes.crash('a');
    expect((await nodes.soon(nodes.locks('d').lock('y'))).isValid()).toBe(true);
    expect(raftOperations(nodes.locks('d')).status().halted).toBe(undefined);
    await nodes.stop();
  });

  it('last through a change of who leads', async () => {
    const nodes = new Nodes('another leader');
    await nodes.running('a', 'b', 'c');
    const held = await nodes.soon(nodes.locks('a').lock('x', { ttlMs: 2_000 }));
    for (const name of ['b', 'c']) {
      nodes.crash(name);
      await nodes.world.run(1_000);
      nodes.start(name);
      await nodes.world.run(5_000);
    }
    expect(held.isValid()).toBe(true);
    await nodes.stop();
  });
});
