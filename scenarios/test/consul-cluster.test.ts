import { type Cluster, createCluster, type IClusterDiscovery, type Plugin, silentLogger } from '@quorate/core';
import { consulDiscovery } from '@quorate/discovery-consul';
import { dnsDiscovery } from '@quorate/discovery-dns';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, afterEach, expect, it } from 'vitest';

const consul = await ConsulServer.start();
if (consul === undefined) reportAbsent('consul');

const clusters: Cluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
});
afterAll(async () => consul?.[Symbol.asyncDispose]());

/** A node over TCP on loopback, which knows the others only from its discovery. */
function node(nodeId: string, discovery: Plugin<IClusterDiscovery, 'discovery'>): Cluster {
  const transport = tcpTransport();
  const cluster = createCluster({ nodeId, bind: '127.0.0.1:0', transport, discovery, logger: silentLogger });
  clusters.push(cluster);
  return cluster;
}

/** Resolves when the node is connected with these, in order. */
function meets(cluster: Cluster, others: readonly string[]): Promise<void> {
  const idsOf = () => cluster.nodes.map(({ node: { id } }) => id).join();
  const wanted = [...others, cluster.self.id].sort().join();
  return new Promise((resolve) => {
    const look = () => {
      if (idsOf() !== wanted) return;
      joined[Symbol.dispose]();
      resolve();
    };
    const joined = cluster.on('nodeJoined', look);
    look();
  });
}

it.skipIf(consul === undefined)('nodes meet through Consul, and one that knows only its DNS meets them', async () => {
  const server = consul as ConsulServer;
  const engine = consulEngine({ address: server.address });
  const registered = ['a', 'b'].map((id) => node(id, consulDiscovery({ engine, service: 'meeting' })));
  const resolvers = [`127.0.0.1:${server.dnsPort}`];
  const outsider = node('c', dnsDiscovery({ names: ['meeting.service.consul'], resolvers }));
  const all = [...registered, outsider];
  const met = all.map((cluster) =>
    meets(
      cluster,
      ['a', 'b', 'c'].filter((id) => id !== cluster.self.id),
    ),
  );
  await Promise.all(all.map((cluster) => cluster.start()));
  await Promise.all(met);

  // Who stops is not in the catalog any more.
  await registered[0]?.stop();
  const left = (await server.call('GET', '/v1/health/service/meeting')) as readonly { readonly Service: unknown }[];
  expect(left.map(({ Service }) => (Service as { readonly ID: string }).ID)).toEqual(['meeting:default:b']);
});

it.skipIf(consul === undefined)('a node starts while Consul is down, and is found when it is up', async () => {
  const server = consul as ConsulServer;
  await server.kill();
  const discovery = () =>
    consulDiscovery({
      engine: consulEngine({ address: server.address }),
      service: 'early',
      backoff: { baseMs: 50, maxMs: 500 },
    });
  const [a, b] = [node('a', discovery()), node('b', discovery())];
  const met = [meets(a, ['b']), meets(b, ['a'])];
  await Promise.all([a.start(), b.start()]);
  expect(a.status).toBe('running');
  await server.restart();
  await Promise.all(met);
});
