import { type Cluster, createCluster, silentLogger } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { tcpTransport } from '@quorate/transport-tcp';
import { expect, it } from 'vitest';

import { dnsDiscovery } from '../src/index.ts';
import { a, srv, ZoneServer } from './zone-server.ts';

const PORT = 7000;

/** Nodes on machines of their own, which know of each other by DNS alone. */
class Town {
  readonly world: World;
  readonly server: ZoneServer;
  readonly dns: Host;
  readonly clusters = new Map<string, Cluster>();
  readonly #hosts = new Map<string, Host>();

  private constructor(world: World, dns: Host, server: ZoneServer) {
    this.world = world;
    this.dns = dns;
    this.server = server;
  }

  static async found(seed: string): Promise<Town> {
    const world = createWorld({ seed });
    const dns = world.host('dns');
    dns.start(() => undefined);
    const server = await world.settled(ZoneServer.open(dns.system.net, { host: dns.address, port: 53 }), 1_000);
    return new Town(world, dns, server);
  }

  /** Runs the node on this machine. */
  settle(nodeId: string, machine: string): void {
    const host = this.world.host(machine);
    this.#hosts.set(nodeId, host);
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId,
        bind: { host: host.address, port: PORT },
        insecure: true,
        transport: tcpTransport(),
        discovery: dnsDiscovery({
          names: ['_quorate._tcp.test'],
          resolvers: [this.dns.address],
          nodeIds: 'target',
        }),
        logger: silentLogger,
        system,
      });
      this.clusters.set(nodeId, cluster);
      await cluster.start();
    });
  }

  kill(nodeId: string): void {
    this.#hosts.get(nodeId)?.crash({ powerLoss: true });
    this.clusters.delete(nodeId);
  }

  /** Puts all nodes into the zone where they are now. */
  publish(): void {
    this.server.records = [...this.#hosts].flatMap(([id, { address }]) => [
      srv('_quorate._tcp.test', { target: `${id}.test`, port: PORT }, 5),
      a(`${id}.test`, address, 5),
    ]);
  }

  /** Whether each node that lives sees all the others alive. */
  get isWhole(): boolean {
    const ids = [...this.clusters.keys()].sort();
    return [...this.clusters.values()].every(
      (cluster) => cluster.status === 'running' && aliveIn(cluster).join() === ids.join(),
    );
  }
}

function aliveIn({ nodes }: Cluster): readonly string[] {
  return nodes
    .filter(({ state }) => state === 'alive')
    .map(({ node }) => node.id)
    .sort();
}

it('forms from the records of a service, and lives on while nobody answers', async () => {
  const town = await Town.found('forms');
  for (const id of ['n1', 'n2', 'n3', 'n4', 'n5']) town.settle(id, `machine-${id}`);
  town.publish();
  await town.world.runUntil(() => town.clusters.size === 5 && town.isWhole, 30_000);
  town.server.mode = 'silent';
  await town.world.run(600_000);
  expect(town.isWhole).toBe(true);
  town.server.mode = 'normal';
  town.server.records = [];
  await town.world.run(600_000);
  expect(town.isWhole).toBe(true);
});

it('forms although nobody answers when its nodes start', async () => {
  const town = await Town.found('late');
  town.server.mode = { rcode: 2 };
  for (const id of ['n1', 'n2', 'n3']) town.settle(id, `machine-${id}`);
  town.publish();
  await town.world.run(300_000);
  expect(town.isWhole).toBe(false);
  town.server.mode = 'normal';
  await town.world.runUntil(() => town.isWhole, 60_000);
});

it('finds a node that moved to another machine', async () => {
  const town = await Town.found('moves');
  for (const id of ['n1', 'n2', 'n3']) town.settle(id, `machine-${id}`);
  town.publish();
  await town.world.runUntil(() => town.clusters.size === 3 && town.isWhole, 30_000);
  town.kill('n3');
  await town.world.run(30_000);
  town.settle('n3', 'elsewhere');
  town.publish();
  await town.world.runUntil(() => town.clusters.size === 3 && town.isWhole, 60_000);
  const { nodes } = town.clusters.get('n1') as Cluster;
  const moved = nodes.find(({ node }) => node.id === 'n3');
  expect(moved?.node.host).toBe(town.world.hosts.at(-1)?.address);
});
