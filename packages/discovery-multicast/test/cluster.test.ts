import { type Cluster, createCluster, type Net, type System } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { multicastDiscovery } from '../src/index.ts';
import { SECRET } from './scene.ts';

/** Clusters on hosts of one network, of which datagrams can be cut off while connections go on. */
function startNodes(ids: readonly string[]) {
  const world = createWorld({ seed: 'cluster' });
  const network = memoryNetwork({ route: world.route });
  const datagrams = { pass: true };
  const clusters = ids.map((nodeId) => {
    const host = world.host(nodeId);
    host.start(() => undefined);
    const cluster: Cluster = createCluster({
      nodeId,
      bind: { host: host.address, port: 7000 },
      system: withDatagrams(host.system, datagrams),
      transport: memoryTransport({ network }),
      discovery: multicastDiscovery({ secret: SECRET }),
    });
    return {
      host,
      cluster,
      present: () => cluster.nodes.filter(({ state }) => state === 'alive').map(({ node }) => node.id),
    };
  });
  const start = (from: number, to?: number) =>
    world.settled(
      Promise.all(clusters.slice(from, to).map(async ({ cluster }) => void (await cluster.start()))),
      10_000,
    );
  return { world, clusters, datagrams, start };
}

function withDatagrams(system: System, datagrams: { readonly pass: boolean }): System {
  const { net } = system;
  const filtered: Net = {
    connect: (...args) => net.connect(...args),
    listen: (...args) => net.listen(...args),
    bindDatagram: (address, receive, options) =>
      net.bindDatagram(address, (payload, from) => datagrams.pass && receive(payload, from), options),
  };
  return { ...system, net: filtered };
}

it('nodes meet, and those connected stay when nothing is announced any more', async () => {
  const { world, clusters, datagrams, start } = startNodes(['a', 'b', 'c', 'd']);
  await start(0, 3);
  const all = () => clusters.slice(0, 3).map(({ present }) => present().join(''));
  await world.runUntil(() => all().join(' ') === 'abc abc abc', 3_000);
  datagrams.pass = false;
  await world.run(600_000);
  expect(all()).toEqual(['abc', 'abc', 'abc']);
  datagrams.pass = true;
  await world.run(10_000);
  await start(3);
  await world.runUntil(() => clusters.every(({ present }) => present().join('') === 'abcd'), 3_000);
  const [, b] = clusters;
  await world.settled(Promise.resolve(b?.cluster.stop()), 10_000);
  await world.run(2_000);
  expect(clusters[0]?.present()).toEqual(['a', 'c', 'd']);
});

it('who was killed is no longer tried once its announcements have failed to come', async () => {
  const { world, clusters, start } = startNodes(['a', 'b', 'c']);
  await start(0);
  await world.runUntil(() => clusters.every(({ present }) => present().length === 3), 3_000);
  const [a, , c] = clusters;
  c?.host.crash({ powerLoss: true });
  await world.run(120_000);
  expect(a?.present()).toEqual(['a', 'b']);
  expect(world.trace.text(2_000)).toMatch(
    / a info: .*10\.0\.0\.3:7000 is no longer named by discovery: not tried any more/u,
  );
});
