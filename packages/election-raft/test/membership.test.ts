import { type Cluster, createCluster, type LeaderElection } from '@quorate/core';
import { type MemoryDisk, memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { raftElection, type RaftMembers, raftMembers } from '../src/index.ts';

const FOUNDERS = ['a', 'b', 'c'];

class Stage {
  readonly world: World;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #clusters = new Map<string, Cluster>();
  readonly #disks = new Map<string, MemoryDisk>();

  constructor(seed: string, names: readonly string[]) {
    this.world = createWorld({ seed, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.#network = memoryNetwork({ route: this.world.route });
    for (const name of names) this.world.host(name);
    for (const name of names) this.#start(name);
  }

  election(name: string): LeaderElection {
    return (this.#clusters.get(name) as Cluster).election;
  }

  members(name: string): RaftMembers {
    return raftMembers(this.election(name));
  }

  soon<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    return this.world.settled(promise, withinMs);
  }

  #start(name: string): void {
    const host = this.world.hosts.find((each) => each.name === name);
    const disk = memoryDisk();
    this.#disks.set(name, disk);
    host?.start(async (system) => {
      const cluster = createCluster({
        nodeId: name,
        bind: { host: host.address, port: 7000 },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 7000 })),
        system,
        logLevel: 'error',
        campaign: false,
        transport: memoryTransport({ network: this.#network }),
        storage: memoryStorage({ disk }),
        election: raftElection({ voters: FOUNDERS }),
      });
      this.#clusters.set(name, cluster);
      await cluster.start();
    });
  }
}

describe('an election whose voters change', () => {
  it('goes on when its leader is removed and nobody else stands: then whoever stands is elected', async () => {
    const stage = new Stage('removed', FOUNDERS);
    await stage.world.run(100);
    const grant = await stage.soon(stage.election('a').campaign());
    await stage.soon(
      stage
        .members('b')
        .removeNode('a', { timeoutMs: 5000 })
        .catch(() => undefined),
    );
    await stage.world.runUntil(() => stage.members('a').phase === 'removed', 20_000);
    expect(grant.isValid()).toBe(false);
    const next = await stage.soon(stage.election('b').campaign());
    expect(next.token).toBeGreaterThan(grant.token);
    await stage.soon(
      stage
        .members('c')
        .removeNode('a')
        .catch(() => undefined),
    );
    expect(stage.members('c').all.map(({ nodeId }) => nodeId)).toEqual(['b', 'c']);
    await expect(stage.election('a').campaign()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('elects a node that was added', async () => {
    const stage = new Stage('added', [...FOUNDERS, 'd']);
    await stage.world.run(100);
    await expect(stage.election('d').campaign()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const grant = await stage.soon(stage.election('a').campaign());
    await stage.soon(stage.members('a').addNode('d'));
    const campaign = stage.election('d').campaign();
    await stage.world.run(500);
    await stage.soon(stage.election('a').transfer('d'));
    const next = await stage.soon(campaign);
    expect(next.token).toBeGreaterThan(grant.token);
    await stage.soon(stage.members('d').removeNode('a'));
    expect(next.isValid()).toBe(true);
    expect(stage.members('d').all.map(({ nodeId }) => nodeId)).toEqual(['b', 'c', 'd']);
  });

  it('says that other parts have no such members', () => {
    expect(() => raftMembers({})).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
