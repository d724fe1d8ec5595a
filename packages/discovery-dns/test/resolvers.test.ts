import type { Address } from '@quorate/core';
import type { Host } from '@quorate/simulator';
import { encode } from 'dns-packet';
import { expect, it } from 'vitest';

import { DnsScene } from './dns-scene.ts';
import { a, srv, type ZoneServer } from './zone-server.ts';

const NAMES = ['nodes.test:7000'];
const AUTHORITATIVE = 1 << 10;
const FOUND = ['10.1.0.1:7000'];

async function open(seed: string, servers = 1) {
  const opened = await DnsScene.open(seed, servers);
  for (const server of opened.servers) server.records = [a('nodes.test', '10.1.0.1')];
  return opened;
}

it('asks the next resolver when one is silent, refuses or fails, and remembers who answered', async () => {
  const { scene, servers } = await open('failover', 4);
  const [silent, refusing, failing, good] = servers as [ZoneServer, ZoneServer, ZoneServer, ZoneServer];
  silent.mode = 'silent';
  refusing.mode = { rcode: 5 };
  failing.mode = { rcode: 2 };
  const discovery = scene.discovery({ names: NAMES, family: 'ipv4' });
  expect(await scene.find(discovery)).toEqual(FOUND);
  expect(servers.map(({ seen }) => seen.length)).toEqual([1, 1, 1, 1]);
  expect(await scene.find(discovery)).toEqual(FOUND);
  expect(servers.map(({ seen }) => seen.length)).toEqual([1, 1, 1, 2]);
  good.mode = 'silent';
  silent.mode = 'normal';
  expect(await scene.find(discovery)).toEqual(FOUND);
});

it('finds the one that lives among many that are dead, however little time there is', async () => {
  const { scene, servers } = await open('many dead', 10);
  for (const server of servers.slice(0, 9)) server.mode = 'silent';
  const told = scene.watch(scene.discovery({ names: NAMES, timeoutMs: 2_500 }));
  await scene.world.run(60_000);
  expect(told.seen).toEqual([['10.1.0.1']]);
});

it('tells why nobody answers: a failure is never nobody', async () => {
  const { scene, servers } = await open('failures', 2);
  const [first, second] = servers as [ZoneServer, ZoneServer];
  const discovery = scene.discovery({ names: NAMES });
  first.mode = 'silent';
  second.mode = { rcode: 5 };
  const failure = await scene.failure(discovery);
  expect(failure.message).toMatch(
    /A of nodes\.test.*10\.0\.0\.2:53: no answer within 1000 ms; 10\.0\.0\.3:53: REFUSED/u,
  );
  second.mode = { rcode: 11 };
  expect((await scene.failure(discovery)).message).toContain('RCODE 11');
  scene.hostOf(first).crash();
  scene.hostOf(second).crash({ powerLoss: true });
  expect((await scene.failure(discovery)).code).toBe('TIMEOUT');
});

it('tells one name that fails from one that is denied, and keeps what the others say', async () => {
  const { scene, server } = await open('partly');
  server.onItsWay = (response, { name }) => (name === 'broken.test' ? [{ ...response, flags: 2 }] : [response]);
  const told = scene.watch(scene.discovery({ names: [...NAMES, 'broken.test:1'] }));
  await scene.world.run(3_000);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: [{ host: '10.1.0.1' }] }]);
  expect(scene.warnings).toHaveLength(1);
  expect((await scene.failure(scene.discovery({ names: ['gone.test:1', 'broken.test:1'] }))).code).toBe('REMOTE');
  expect(await scene.find(scene.discovery({ names: ['gone.test:1'] }))).toEqual([]);
});

it('is not held up by a target or a name to which nobody answers', async () => {
  const { scene, servers } = await open('held up', 3);
  for (const server of servers) {
    server.addsAddresses = false;
    server.records = [
      ...server.records,
      srv('_a._tcp.test', { target: 'a.test', port: 1 }),
      srv('_a._tcp.test', { target: 'silent1.test', port: 1 }),
      srv('_a._tcp.test', { target: 'silent2.test', port: 1 }),
      a('a.test', '10.1.0.2'),
    ];
    server.onItsWay = (response, { name }) => (name.startsWith('silent') ? [] : [response]);
  }
  const told = scene.watch(scene.discovery({ names: [...NAMES, '_a._tcp.test', 'silent3.test:1'] }));
  await scene.world.run(5_000);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: [{ host: '10.1.0.1' }, { host: '10.1.0.2' }] }]);
  expect(scene.warnings.join('\n')).toMatch(/silent1.test.*the time for all questions is over/u);
  const failure = await scene.failure(scene.discovery({ names: ['silent.test:1'] }));
  expect(failure).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('10.0.0.2:53: no answer within') });
});

it('does not take a family that fails for one without addresses', async () => {
  const { scene, server } = await open('family');
  server.onItsWay = (response, { type }) => (type === 'AAAA' ? [{ ...response, flags: 2 }] : [response]);
  const told = scene.watch(scene.discovery({ names: NAMES }));
  await scene.world.run(500);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: [{ host: '10.1.0.1' }] }]);
  server.onItsWay = (response, { type }) => (type === 'A' ? [{ ...response, flags: 2 }] : [response]);
  expect((await scene.failure(scene.discovery({ names: NAMES }))).code).toBe('REMOTE');
});

it('does not take a referral for a denial', async () => {
  const { scene, server } = await open('referral');
  let flags = 0;
  server.onItsWay = (response) => {
    const authorities = [{ type: 'NS', name: 'test', ttl: 60, data: 'ns.test' } as const];
    return [{ ...response, flags, answers: [], authorities }];
  };
  const { message } = await scene.failure(scene.discovery({ names: NAMES }));
  expect(message).toContain('it knows nothing of this zone');
  flags = AUTHORITATIVE;
  expect(await scene.find(scene.discovery({ names: NAMES })), 'from who must know').toEqual([]);
});

it('speaks without EDNS to a server that knows none', async () => {
  const { scene, server } = await open('edns');
  server.speaksEdns = false;
  expect(await scene.find(scene.discovery({ names: NAMES, family: 'ipv4' }))).toEqual(FOUND);
  expect(server.seen.map(({ edns }) => edns)).toEqual([true, false]);
  server.speaksEdns = true;
  server.onItsWay = (response, { edns }) => [edns ? { ...response, flags: 1, questions: [], answers: [] } : response];
  expect(await scene.find(scene.discovery({ names: NAMES, family: 'ipv4' })), 'it repeats no question').toEqual(FOUND);
});

it('asks under another id and from another port each time', async () => {
  const { scene, server } = await open('unpredictable');
  const discovery = scene.discovery({ names: NAMES, family: 'ipv4' });
  for (let times = 0; times < 50; times += 1) await scene.find(discovery);
  const ids = server.seen.map(({ id }) => id);
  const ports = server.seen.map(({ from }) => from.port);
  expect(new Set(ids).size).toBeGreaterThan(45);
  expect(new Set(ports).size).toBeGreaterThan(45);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_152);
});

it('does not believe what comes under another id, or to another question', async () => {
  const { scene, server } = await open('forged');
  server.onItsWay = (response) => {
    const lies = { ...response, answers: [a('nodes.test', '10.6.6.6')] };
    return [
      { ...lies, id: ((response.id ?? 0) + 1) & 0xffff },
      { ...lies, type: 'query' },
      { ...lies, questions: [{ name: 'other.test', type: 'A' }] },
      { ...lies, questions: [{ name: 'nodes.test', type: 'SRV' }] },
      { ...lies, questions: [] },
      Uint8Array.of(1, 2, 3),
      response,
    ];
  };
  expect(await scene.find(scene.discovery({ names: NAMES, family: 'ipv4' }))).toEqual(FOUND);
});

it('does not believe what comes from elsewhere, however right it looks', async () => {
  const { scene, servers } = await open('elsewhere', 2);
  const [server, forger] = servers as [ZoneServer, ZoneServer];
  const tell = async (host: Host, bytes: Uint8Array, to: Address) => {
    const socket = await host.system.net.bindDatagram({ host: '0.0.0.0', port: 0 }, () => undefined);
    socket.send(bytes, to);
  };
  server.onItsWay = (response, { from }) => {
    const bytes = encode(response);
    // Another machine, and another port of the right one.
    for (const host of [scene.hostOf(forger), scene.hostOf(server)]) void tell(host, bytes, from);
    return [];
  };
  const resolvers = scene.resolvers.slice(0, 1);
  expect((await scene.failure(scene.discovery({ names: NAMES, resolvers }))).code).toBe('TIMEOUT');
  expect(server.seen.length).toBeGreaterThan(1);
});

it('asks by TCP when so much comes that somebody seems to guess', async () => {
  const { scene, server } = await open('guessed');
  server.onItsWay = (response, { overTcp }) => {
    if (overTcp) return [response];
    const lie = { ...response, answers: [a('nodes.test', '10.6.6.6')] };
    return Array.from({ length: 200 }, (_, at) => ({ ...lie, id: ((response.id ?? 0) + at + 1) & 0xffff }));
  };
  expect(await scene.find(scene.discovery({ names: NAMES }))).toEqual(FOUND);
  expect(server.seen.some(({ overTcp }) => overTcp)).toBe(true);
});

it('gives up a TCP connection that ends early, or says nothing', async () => {
  const { scene, server } = await open('tcp');
  server.onItsWay = (response, { overTcp }) => (overTcp ? [] : [{ ...response, flags: 1 << 9 }]);
  const discovery = scene.discovery({ names: NAMES });
  expect((await scene.failure(discovery)).code).toBe('TIMEOUT');
  server.onItsWay = (response, { overTcp }) => [overTcp ? new Uint8Array(0) : { ...response, flags: 1 << 9 }];
  expect((await scene.failure(discovery)).code).toBe('PROTOCOL');
  await scene.world.run(1_000);
  expect(server.connections, 'left open').toBe(0);
  const crash = (host: { crash(): void }) => {
    host.crash();
    return [];
  };
  server.onItsWay = (response, { overTcp }) =>
    overTcp ? crash(scene.hostOf(server)) : [{ ...response, flags: 1 << 9 }];
  const { message } = await scene.failure(discovery);
  expect(message).toMatch(/no answer within|closed|reset|refused/u);
});

it('asks whom the system asks, and completes names as the system does', async () => {
  const { scene, servers } = await open('system', 2);
  const [first, second] = servers as [ZoneServer, ZoneServer];
  first.records = [a('nodes.prod.test', '10.1.0.2'), a('nodes.prod', '10.1.0.3'), a('nodes', '10.1.0.4')];
  const { address } = scene.hostOf(first);
  const settings = `# comment\nnameserver ${address}\nnameserver nonsense\nsearch nowhere.test test\noptions ndots:2\n`;
  const discovery = await scene.systemDiscovery({ names: ['nodes.prod:1'], family: 'ipv4' }, settings);
  expect(await scene.find(discovery)).toEqual(['10.1.0.2:1']);
  expect(first.seen.map(({ name }) => name)).toEqual(['nodes.prod.nowhere.test', 'nodes.prod.test']);
  const full = await scene.systemDiscovery({ names: ['nodes.prod.:1'], family: 'ipv4' }, settings);
  expect(await scene.find(full)).toEqual(['10.1.0.3:1']);
  const other = `nameserver ${scene.hostOf(second).address}\nsearch test\n`;
  expect(await scene.find(await scene.systemDiscovery({ names: ['nodes:1'] }, other))).toEqual(['10.1.0.1:1']);
  expect(await scene.find(discovery), 'the settings are read again').toEqual([]);
});

it('is not sure of a name when one that goes before it cannot be asked for', async () => {
  const { scene, server } = await open('search fails');
  server.onItsWay = (response, { name }) => (name.endsWith('.first.test') ? [{ ...response, flags: 2 }] : [response]);
  const search = ['first.test', 'test'];
  const told = scene.watch(scene.discovery({ names: ['nodes:1'], search }));
  await scene.world.run(500);
  expect(told.snapshots).toMatchObject([{ complete: false, nodes: [{ host: '10.1.0.1' }] }]);
  expect((await scene.failure(scene.discovery({ names: ['none:1'], search: ['first.test'] }))).code).toBe('REMOTE');
});

it('asks without EDNS in the end, in a network that loses it', async () => {
  const { scene, server } = await open('edns lost');
  server.onItsWay = (response, { edns }) => (edns ? [] : [response]);
  expect(await scene.find(scene.discovery({ names: NAMES, family: 'ipv4' }))).toEqual(FOUND);
  expect(server.seen.map(({ edns }) => edns)).toEqual([true, true, false]);
});

it('asks this machine where the system names nobody', async () => {
  const { scene } = await open('nobody');
  const discovery = scene.discovery({ resolvers: undefined, names: NAMES } as never);
  expect((await scene.failure(discovery)).message).toContain('127.0.0.1:53');
});
