import { type Cluster, createCluster, isClusterError, type Leadership, type System } from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';
import { raftElection } from '../src/index.ts';

const VOTERS = ['a', 'b', 'c'];

interface Ended {
  readonly leadership: Leadership;
  readonly code: string;
}

/** Three nodes, and how their grants ended. */
class Trio {
  readonly world: World = createWorld({ seed: 'grant end' });
  readonly ended: Ended[] = [];
  readonly #clusters = new Map<Host, Cluster>();

  constructor() {
    const network = memoryNetwork({ route: this.world.route });
    const hosts = VOTERS.map((id) => this.world.host(id));
    for (const host of hosts) {
      host.start(async (system: System) => {
        const cluster = createCluster({
          nodeId: host.name,
          bind: { host: host.address, port: 7000 },
          seedNodes: hosts.map(({ address }) => ({ host: address, port: 7000 })),
          system,
          logLevel: 'silent',
          transport: memoryTransport({ network }),
          storage: memoryStorage({ disk: memoryDisk() }),
          election: raftElection({ voters: VOTERS }),
        });
        cluster.on('leadershipLost', ({ leadership, reason }) =>
          this.ended.push({ leadership, code: isClusterError(reason) ? reason.code : String(reason) }),
        );
        this.#clusters.set(host, cluster);
        await cluster.start();
      });
    }
  }

  get leader(): readonly [Host, Cluster] | undefined {
    return [...this.#clusters].find(([host, { isLeader }]) => host.running && isLeader);
  }

  async elected(): Promise<readonly [Host, Cluster]> {
    await this.world.runUntil(() => this.leader !== undefined, 10_000);
    await this.world.run(1000);
    return this.leader as readonly [Host, Cluster];
  }
}

it('a grant that was handed over ended then, and not for lack of a quorum', async () => {
  const trio = new Trio();
  const [host, cluster] = await trio.elected();
  const before = host.system.clock.now();
  const to = VOTERS.find((id) => id !== host.name) ?? '';
  await trio.world.settled(cluster.election.transfer(to), 5000);
  const [{ leadership, code }] = trio.ended as [Ended];
  expect(code).toBe('NOT_LEADER');
  expect(leadership.deadline).toBeGreaterThanOrEqual(before);
  expect(leadership.deadline).toBeLessThan(before + 20);
});

it('a grant that was not renewed ended when the lease did, however late its node finds out', async () => {
  const trio = new Trio();
  const [host, cluster] = await trio.elected();
  const { leadership } = cluster;
  const deadline = leadership?.deadline ?? 0;
  expect(deadline).toBeGreaterThan(host.system.clock.now());
  host.pause();
  await trio.world.run(3000);
  host.resume();
  await trio.world.runUntil(() => trio.ended.length > 0, 5000);
  expect(trio.ended).toMatchObject([{ leadership, code: 'QUORUM_LOST' }]);
  // An answer that had arrived may have been heard at the end of the pause: it renews nothing that is over.
  expect(leadership?.deadline).toBe(deadline);
  expect(leadership?.isValid()).toBe(false);
});
