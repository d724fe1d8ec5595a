import { type DiscoveredNode, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { KnotServer, reportAbsent } from '@quorate/test-servers';
import { discoveryContract } from '@quorate/testkit';
import { afterAll, describe, expect, it, vi } from 'vitest';

import { dnsDiscovery } from '../../src/index.ts';
import { realDiscovery, watching } from './real-node.ts';

const SERVICE = '_quorate._tcp';
const knot = await KnotServer.start();
if (knot === undefined) reportAbsent('knotd');

/** Lines of a zone file. */
function recordsOf({ id, host, port }: DiscoveredNode): readonly string[] {
  return [`${SERVICE} SRV 0 0 ${port} ${id}`, `${id} ${host.includes(':') ? 'AAAA' : 'A'} ${host}`];
}

const range = (count: number) => Array.from({ length: count }, (_, at) => at);
const nodes = (count: number) =>
  range(count).map((at) => ({ id: `n${at}`, host: `10.1.${at >> 8}.${at & 0xff}`, port: 7000 + at }));

function serverTests(server: KnotServer): void {
  const { address } = server;
  const quick = { resolvers: [address], minRefreshMs: 50, maxRefreshMs: 100, backoff: { baseMs: 50, maxMs: 200 } };
  const options = { ...quick, attemptTimeoutMs: 400, timeoutMs: 2_000, names: [`${SERVICE}.test`] };

  discoveryContract(
    { describe, it },
    {
      name: 'discovery-dns beside Knot',
      system: nodeSystem({ logger: silentLogger }),
      supports: { registration: false, watch: 'poll', createIfAbsent: false },
      // The same one for all cases, as it was left by the one before.
      source: () => server.process.resume(),
      create: () => dnsDiscovery({ ...options, nodeIds: 'target' }),
      publish: (_, published) => server.serve(published.flatMap(recordsOf)),
      publishRaw: (_, entries) => {
        const good = entries.filter((entry): entry is DiscoveredNode => Object(entry).id?.startsWith('n') === true);
        return server.serve([
          ...good.flatMap(recordsOf),
          `${SERVICE} SRV 0 0 0 n1`,
          `${SERVICE} SRV 0 0 7009 nowhere`,
          `${SERVICE} SRV 0 0 7009 far.away.`,
          `${SERVICE} SRV 0 0 7009 mad\\032name`,
          `${SERVICE} SRV 0 0 7009 group`,
          'group A 224.0.0.1',
          `${SERVICE} TXT text`,
        ]);
      },
      breakSource: () => server.process.kill(),
      repairSource: async () => {
        await server.process.kill();
        await server.process.start();
      },
      stallSource: () => server.process.pause(),
      noticedWithinMs: 3_000,
    },
  );

  it.each([60, 500])('finds %i nodes behind one name, by TCP', async (count) => {
    const patient = { ...options, attemptTimeoutMs: 2_000, timeoutMs: 10_000 };
    server.process.resume();
    await server.serve(nodes(count).flatMap(recordsOf));
    await using discovery = realDiscovery({ ...patient, nodeIds: 'target' });
    const found = await discovery.discoverNodes();
    expect(new Map(found.map((node) => [node.id, node]))).toEqual(new Map(nodes(count).map((node) => [node.id, node])));
    await using hosts = realDiscovery({ ...patient, names: ['many.test:7000'] });
    await server.serve(nodes(count).map(({ host }) => `many A ${host}`));
    expect(await hosts.discoverNodes()).toHaveLength(count);
  });

  it('reads priorities, weights, aliases, both families, and names of several kinds', async () => {
    await server.serve([
      '_first._tcp SRV 10 5 7001 a',
      '_first._tcp SRV 20 0 7002 b',
      'a A 10.1.0.2',
      'b AAAA fd00::b',
      'alias CNAME other',
      'other CNAME hosts',
      'hosts A 10.1.0.1',
    ]);
    const names = ['_first._tcp.test', 'alias.test:7000'];
    await using discovery = realDiscovery({ ...options, names });
    expect(await discovery.discoverNodes()).toEqual([
      { host: '10.1.0.1', port: 7000 },
      { host: '10.1.0.2', port: 7001, priority: 10, weight: 5 },
      { host: 'fd00::b', port: 7002, priority: 20, weight: 0 },
    ]);
  });

  it('has closed its sockets when it is disposed', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('UDP')).length;
    await vi.waitUntil(() => sockets() === 0, 5_000);
    server.process.pause();
    try {
      const discovery = realDiscovery(options);
      const outcome = discovery.discoverNodes().catch((error: unknown) => error);
      await vi.waitUntil(() => sockets() > 0, 5_000);
      await discovery[Symbol.asyncDispose]();
      // A handle is counted until the event loop has turned.
      await vi.waitUntil(() => sockets() === 0, 5_000);
      expect(await outcome).toMatchObject({ code: 'CLOSED' });
    } finally {
      server.process.resume();
    }
  });

  it('tells a refusal from a denial', async () => {
    await using denied = realDiscovery({ ...options, names: ['_none._tcp.test', 'none.test:1'] });
    expect(await denied.discoverNodes()).toEqual([]);
    await using refused = realDiscovery({ ...options, names: ['_quorate._tcp.other'] });
    await expect(refused.discoverNodes()).rejects.toMatchObject({
      code: 'REMOTE',
      message: expect.stringMatching(/REFUSED/u),
    });
  });

  it('asks others while one is down, and follows changes through restarts and stops', async () => {
    const other = await KnotServer.start(recordsOf({ id: 'z', host: '10.9.9.9', port: 1 }));
    if (other === undefined) throw new Error('there was a Knot before');
    await using _ = other;
    await server.serve(nodes(1).flatMap(recordsOf));
    await using discovery = realDiscovery({ ...options, resolvers: [address, other.address] });
    const told = watching(discovery);
    expect(await told.next()).toEqual(['10.1.0.0']);
    await server.process.kill();
    expect(await told.next()).toEqual(['10.9.9.9']);
    other.process.pause();
    await server.process.start();
    expect(await told.next()).toEqual(['10.1.0.0']);
    server.process.pause();
    other.process.resume();
    expect(await told.next()).toEqual(['10.9.9.9']);
    server.process.resume();
  });
}

if (knot === undefined) describe.skip('discovery-dns beside Knot (there is none here)', () => undefined);
else {
  afterAll(() => knot[Symbol.asyncDispose]());
  describe('beside Knot', () => serverTests(knot));
}
