import type { Net } from '@quorate/core';
import { expect, it } from 'vitest';

import { DnsScene } from './dns-scene.ts';
import { a, cname, srv } from './zone-server.ts';

const NAMES = ['nodes.test:7000'];

/** How often the server is asked for A within this time. */
async function asked(seed: string, ttl: number, withinMs: number): Promise<number> {
  const { scene, server } = await DnsScene.open(seed);
  server.records = [a('nodes.test', '10.1.0.1', ttl)];
  scene.watch(scene.discovery({ names: NAMES, family: 'ipv4' }));
  await scene.world.run(withinMs);
  return server.seen.length;
}

it('asks again when the TTL is over, within bounds', async () => {
  expect(await asked('ttl 0', 0, 10_500)).toBe(11);
  const often = await asked('ttl 5', 5, 60_000);
  expect(often).toBeGreaterThanOrEqual(12);
  expect(often).toBeLessThanOrEqual(14);
  const seldom = await asked('ttl 1 day', 86_400, 300_000);
  expect(seldom).toBeGreaterThanOrEqual(10);
  expect(seldom).toBeLessThanOrEqual(12);
});

it.each([
  ['alias', [4, 30, 30]],
  ['service', [30, 4, 30]],
  ['address', [30, 30, 4]],
] as const)('goes by the least TTL of all that led to the nodes: of the %s', async (_, ttls) => {
  const { scene, server } = await DnsScene.open('least');
  server.records = [
    cname('_a._tcp.test', '_b._tcp.test', ttls[0]),
    srv('_b._tcp.test', { target: 'n.test', port: 1 }, ttls[1]),
    a('n.test', '10.1.0.1', ttls[2]),
  ];
  scene.watch(scene.discovery({ names: ['_a._tcp.test'] }));
  await scene.world.run(4_100);
  expect(server.seen).toHaveLength(2);
});

it('sees a change within a TTL, and what is denied when the denial is over', async () => {
  const { scene, server } = await DnsScene.open('change');
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(10);
  server.records = [a('nodes.test', '10.1.0.1', 2)];
  await scene.world.run(5_100);
  server.records = [a('nodes.test', '10.1.0.2', 2)];
  await scene.world.run(2_100);
  expect(told.seen).toEqual([[], ['10.1.0.1'], ['10.1.0.2']]);
});

it('keeps the nodes when the name is gone, and says so once', async () => {
  const { scene, server } = await DnsScene.open('gone');
  server.records = [a('nodes.test', '10.1.0.1')];
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(500);
  server.records = [];
  await scene.world.run(60_000);
  expect(told.seen).toEqual([['10.1.0.1']]);
  expect(scene.warnings).toHaveLength(2);
  expect(scene.warnings.join('\n')).toMatch(/nothing is known under this name[^]*keeping 1 nodes/u);
});

it('goes on after an outage of any length, and is silent meanwhile', async () => {
  const { scene, server } = await DnsScene.open('outage');
  server.records = [a('nodes.test', '10.1.0.1')];
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(500);
  server.mode = 'silent';
  server.records = [a('nodes.test', '10.1.0.2')];
  await scene.world.run(3_600_000);
  expect(told.seen).toEqual([['10.1.0.1']]);
  server.mode = 'normal';
  await scene.world.run(35_000);
  expect(told.seen).toEqual([['10.1.0.1'], ['10.1.0.2']]);
});

it('begins when the resolver is there at last', async () => {
  const { scene, server } = await DnsScene.open('late');
  server.records = [a('nodes.test', '10.1.0.1')];
  scene.world.partition(scene.node, scene.hostOf(server));
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(120_000);
  expect(told.seen).toEqual([]);
  scene.world.heal();
  await scene.world.run(35_000);
  expect(told.seen).toEqual([['10.1.0.1']]);
});

it('finds nodes through a network that loses, repeats and reorders', async () => {
  const { scene, server } = await DnsScene.open('bad network');
  server.records = [a('nodes.test', '10.1.0.1')];
  const link = { loss: 0.3, duplicate: 0.3, reorder: 0.3, jitterMs: 50 };
  scene.world.setLink(scene.node, scene.hostOf(server), link);
  scene.world.setLink(scene.hostOf(server), scene.node, link);
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(30_000);
  server.records = [a('nodes.test', '10.1.0.2')];
  await scene.world.run(60_000);
  // Whether an answer is complete comes and goes with the other family.
  const changes = told.seen.filter(([host], at) => host !== told.seen[at - 1]?.[0]);
  expect(changes).toEqual([['10.1.0.1'], ['10.1.0.2']]);
});

it.each([
  [
    'is being opened',
    async () => {
      for (let turns = 0; turns < 30; turns += 1) await Promise.resolve();
    },
  ],
  ['waits for an answer', ({ world }: DnsScene) => world.run(100)],
] as const)('leaves no socket behind when it is disposed while one %s', async (_, until) => {
  const { scene, server } = await DnsScene.open('disposed');
  server.mode = 'silent';
  const { net } = scene.node.system;
  let bound = 0;
  const counting: Net['bindDatagram'] = (...given) => {
    bound += 1;
    return net.bindDatagram(...given);
  };
  Object.assign(scene.node.system, { net: { ...net, bindDatagram: counting } });
  const discovery = scene.discovery({ names: NAMES });
  const outcome = discovery.discoverNodes().catch((error: unknown) => error);
  await until(scene);
  expect(bound).toBe(2);
  await scene.settle(discovery[Symbol.asyncDispose]());
  expect(await outcome).toMatchObject({ code: 'CLOSED' });
  // Any that is still bound refuses.
  const ports = Array.from({ length: 16_384 }, (_each, at) => at + 49_152);
  const bind = (port: number) => net.bindDatagram({ host: '0.0.0.0', port }, () => undefined);
  await scene.settle(Promise.all(ports.map(bind)));
});
