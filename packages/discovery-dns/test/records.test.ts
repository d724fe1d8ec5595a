import { expect, it } from 'vitest';

import { DnsScene } from './dns-scene.ts';
import { a, cname, srv } from './zone-server.ts';

const SERVICE = '_quorate._tcp.test';
const range = (count: number) => Array.from({ length: count }, (_, at) => at);
const addressOf = (at: number) => `10.1.${at >> 8}.${at & 0xff}`;
const service = (count: number) =>
  range(count).flatMap((at) => [srv(SERVICE, { target: `n${at}.test`, port: 7000 }), a(`n${at}.test`, addressOf(at))]);

it('finds the nodes of a service, with the addresses that came along, by priority and with weights', async () => {
  const { scene, server } = await DnsScene.open('service');
  server.records = [
    srv(SERVICE, { target: 'b.test', port: 7002, priority: 20, weight: 5 }),
    srv(SERVICE, { target: 'a.test', port: 7001, priority: 10, weight: 0 }),
    a('a.test', '10.1.0.2'),
    a('b.test', '10.1.0.1'),
    a('b.test', 'fd00::0:1'),
    a('stranger.test', '10.1.0.9'),
  ];
  const found = await scene.find(scene.discovery({ names: [SERVICE] }));
  expect(found).toEqual(['10.1.0.2:7001 10/0', '10.1.0.1:7002 20/5', '[fd00::1]:7002 20/5']);
  expect(server.seen.map(({ type, overTcp, edns }) => [type, overTcp, edns])).toEqual([['SRV', false, true]]);
});

it('takes weights that are all 0 for none, and the first label of a target for an id where told so', async () => {
  const { scene, server } = await DnsScene.open('ids');
  server.records = [...service(1), srv(SERVICE, { target: 'me.test', port: 7000 }), a('me.test', '10.1.9.9')];
  expect(await scene.find(scene.discovery({ names: [SERVICE], nodeIds: 'target' }))).toEqual(['n0@10.1.0.0:7000']);
});

it('asks for addresses that did not come along, in the families that are wanted', async () => {
  const { scene, server } = await DnsScene.open('targets');
  server.addsAddresses = false;
  server.records = [...service(40), a('n0.test', 'fd00::1')];
  const found = await scene.find(scene.discovery({ names: [SERVICE] }));
  expect(found).toHaveLength(41);
  expect(await scene.find(scene.discovery({ names: [SERVICE], family: 'ipv6' }))).toEqual(['[fd00::1]:7000']);
  server.addsAddresses = true;
  expect(await scene.find(scene.discovery({ names: [SERVICE], family: 'ipv4' }))).toHaveLength(40);
});

it('asks for no more than a few addresses at one time', async () => {
  const { scene, server } = await DnsScene.open('waves');
  server.addsAddresses = false;
  server.records = service(20);
  scene.world.setLink(scene.node, scene.hostOf(server), { latencyMs: 100, jitterMs: 0 });
  const found = scene.discovery({ names: [SERVICE], family: 'ipv4' }).discoverNodes();
  await scene.world.run(250);
  expect(server.seen).toHaveLength(1 + 16);
  expect(await scene.settle(found)).toHaveLength(20);
});

it('tells of the others when a target has no address, and asks for no more of them', async () => {
  const { scene, server } = await DnsScene.open('dangling');
  server.records = [...service(2), srv(SERVICE, { target: 'gone.test', port: 7000 })];
  const told = scene.watch(scene.discovery({ names: [SERVICE] }));
  await scene.world.run(3_000);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: [{ host: '10.1.0.0' }, { host: '10.1.0.1' }] }]);
  expect(scene.warnings).toEqual(['discovery-dns: gone.test has no address']);
});

it('does not take a service whose targets cannot be found for one without nodes', async () => {
  const { scene, server } = await DnsScene.open('unusable');
  const discovery = scene.discovery({ names: [SERVICE] });
  server.records = [srv(SERVICE, { target: 'gone.test', port: 7000 })];
  expect((await scene.failure(discovery)).message).toContain('gone.test has no address');
  server.records = [srv(SERVICE, { target: 'no name.test', port: 7000 }), srv(SERVICE, { target: 'n.test', port: 0 })];
  const { code, message } = await scene.failure(discovery);
  expect([code, message.includes('"no name.test:7000"'), message.includes('"n.test:0"')]).toEqual([
    'PROTOCOL',
    true,
    true,
  ]);
  server.records = [a('nodes.test', '0.0.0.0'), a('nodes.test', '224.0.0.1')];
  expect((await scene.failure(scene.discovery({ names: ['nodes.test:1'] }))).message).toContain('0.0.0.0');
});

it('knows a service that is decidedly not there', async () => {
  const { scene, server } = await DnsScene.open('not there');
  server.records = [srv(SERVICE, { target: '.', port: 0 })];
  expect(await scene.find(scene.discovery({ names: [SERVICE] }))).toEqual([]);
});

it('finds the addresses of a name that has a port', async () => {
  const { scene, server } = await DnsScene.open('headless');
  server.records = [a('nodes.test', '10.1.0.2'), a('nodes.test', '10.1.0.1'), a('nodes.test', 'fd00::1')];
  const found = await scene.find(scene.discovery({ names: ['nodes.test:7000'] }));
  expect(found).toEqual(['10.1.0.1:7000', '10.1.0.2:7000', '[fd00::1]:7000']);
});

it('finds what all names lead to, and is not complete while one of them leads nowhere', async () => {
  const { scene, server } = await DnsScene.open('names');
  server.records = [...service(1), a('one.test', '10.2.0.1')];
  const told = scene.watch(scene.discovery({ names: [SERVICE, 'one.test:1', 'two.test:2'] }));
  await scene.world.run(100);
  expect(told.snapshots).toMatchObject([{ complete: false }]);
  server.records = [...server.records, a('two.test', '10.2.0.2')];
  await scene.world.run(6_000);
  expect(told.seen).toEqual([
    ['10.1.0.0', '10.2.0.1'],
    ['10.1.0.0', '10.2.0.1', '10.2.0.2'],
  ]);
  expect(told.snapshots.at(-1)?.complete).toBe(true);
});

it.each([60, 500])('finds %i nodes behind one name, by TCP', async (count) => {
  const { scene, server } = await DnsScene.open('many');
  server.records = service(count);
  expect(await scene.find(scene.discovery({ names: [SERVICE] }))).toHaveLength(count);
  expect(server.seen.map(({ overTcp }) => overTcp)).toEqual([false, true]);
  await scene.world.run(100);
  expect(server.connections, 'left open').toBe(0);
  server.records = range(count).map((at) => a('nodes.test', addressOf(at)));
  expect(await scene.find(scene.discovery({ names: ['nodes.test:7000'] }))).toHaveLength(count);
});

it('says that there are more when even TCP has no room', async () => {
  const { scene, server } = await DnsScene.open('more');
  server.records = service(3);
  server.onItsWay = (response) => [{ ...response, flags: (response.flags ?? 0) | (1 << 9) }];
  const told = scene.watch(scene.discovery({ names: [SERVICE] }));
  await scene.world.run(100);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: { length: 3 } }]);
  expect(scene.warnings).toEqual([`discovery-dns: ${SERVICE}: there are more records than fit into an answer`]);
  server.onItsWay = (response) => [{ ...response, answers: [], flags: (response.flags ?? 0) | (1 << 9) }];
  expect(await scene.failure(scene.discovery({ names: [SERVICE] }))).toMatchObject({ code: 'PROTOCOL' });
});

it('uses no more than a few addresses of one target', async () => {
  const { scene, server } = await DnsScene.open('crowded');
  server.records = [...service(1), ...range(20).map((at) => a('n0.test', addressOf(at + 1)))];
  expect(await scene.find(scene.discovery({ names: [SERVICE] }))).toHaveLength(16);
  expect(scene.warnings).toEqual(['discovery-dns: n0.test: of 21 addresses 16 are used']);
});

it('follows aliases, also to where the server does not', async () => {
  const { scene, server } = await DnsScene.open('aliases');
  server.records = [cname('alias.test', 'Other.Test'), cname('other.test', 'nodes.test'), a('nodes.test', '10.1.0.1')];
  server.negativeTtl = undefined;
  const discovery = scene.discovery({ names: ['alias.test:1'], family: 'ipv4' });
  expect(await scene.find(discovery)).toEqual(['10.1.0.1:1']);
  expect(server.seen.map(({ name }) => name)).toEqual(['alias.test', 'other.test']);
});

it('does not follow aliases in a circle, or without end', async () => {
  const { scene, server } = await DnsScene.open('circle');
  server.records = [cname('a.test', 'b.test'), cname('b.test', 'a.test')];
  const circle = await scene.failure(scene.discovery({ names: ['a.test:1'] }));
  expect(circle).toMatchObject({
    code: 'PROTOCOL',
    message: expect.stringContaining('circle: a.test -> b.test -> a.test'),
  });
  server.records = range(30).map((at) => cname(`n${at}.test`, `n${at + 1}.test`));
  expect((await scene.failure(scene.discovery({ names: ['n0.test:1'] }))).message).toContain('too many aliases');
});
