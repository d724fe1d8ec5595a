import { createCluster, type Cluster } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { staticDiscovery } from '@quorate/discovery-static';
import { swimMembership } from '@quorate/membership-swim';
import { freePorts } from '@quorate/test-servers';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterEach, expect, it } from 'vitest';
import { Relay } from '../../src/relay/relay.ts';
import { formatRoutes, parseRoutes, relayedNet } from '../../src/relay/relayed-net.ts';

const IDS = ['a', 'b', 'c'];
const running: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

/** Three nodes that gossip, and so need both streams and datagrams. */
async function threeNodes(secret: string): Promise<{ relay: Relay; nodes: ReadonlyMap<string, Cluster> }> {
  const found = await freePorts(IDS.length);
  const ports = new Map(IDS.map((id, index) => [id, found[index] ?? 0]));
  const relay = await Relay.create(ports);
  running.push(relay);
  const nodes = new Map<string, Cluster>();
  for (const [id, port] of ports) {
    const system = nodeSystem();
    const cluster = createCluster({
      nodeId: id,
      bind: `127.0.0.1:${port}`,
      secret,
      system: { ...system, net: relayedNet(system.net, parseRoutes(formatRoutes(relay.routesOf(id)))) },
      transport: tcpTransport(),
      membership: swimMembership(),
      discovery: staticDiscovery({ nodes: [...ports.values()].map((each) => `127.0.0.1:${each}`) }),
      logLevel: 'silent',
    });
    await cluster.start();
    running.push({ [Symbol.asyncDispose]: () => cluster.stop() });
    nodes.set(id, cluster);
  }
  return { relay, nodes };
}

/** Whom a node holds for alive, once that is so of these. */
function seesAlive(cluster: Cluster, ids: string): Promise<void> {
  const alive = () =>
    cluster.nodes
      .filter(({ state }) => state === 'alive')
      .map(({ node }) => node.id)
      .toSorted()
      .join('');
  return new Promise((resolve) => {
    const look = () => {
      if (alive() === ids) resolve();
    };
    for (const event of ['nodeJoined', 'nodeUpdated', 'nodeSuspected', 'nodeFailed', 'nodeLeft'] as const) {
      cluster.on(event, look);
    }
    look();
  });
}

it('cuts one of three nodes off from the others, and joins them again, at the addresses they have', async () => {
  const { relay, nodes } = await threeNodes('correct horse battery staple');
  const [a, b, c] = IDS.map((id) => nodes.get(id)!) as [Cluster, Cluster, Cluster];
  await Promise.all([a, b, c].map((node) => seesAlive(node, 'abc')));
  relay.partition([['a']]);
  expect(relay.groups).toEqual([['a'], ['b', 'c']]);
  await Promise.all([seesAlive(a, 'a'), seesAlive(b, 'bc'), seesAlive(c, 'bc')]);
  relay.heal();
  expect(relay.groups).toEqual([IDS]);
  await Promise.all([a, b, c].map((node) => seesAlive(node, 'abc')));
  expect(b.nodes.find(({ node }) => node.id === 'a')?.node).toMatchObject({ port: a.self.port });
});

it('takes no routes that it did not write', () => {
  for (const text of ['', '7001', '7001=', '7001=a', '7001=1,']) expect(() => parseRoutes(text)).toThrow('Expected');
});
