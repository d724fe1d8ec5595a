import { DnsmasqServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { realDiscovery, watching } from './real-node.ts';

const dnsmasq = await DnsmasqServer.start();
if (dnsmasq === undefined) reportAbsent('dnsmasq');

describe.skipIf(dnsmasq === undefined)('beside dnsmasq', () => {
  const server = dnsmasq as DnsmasqServer;
  afterAll(() => dnsmasq?.[Symbol.asyncDispose]());
  const options = () => ({ names: ['_quorate._tcp.test'], resolvers: [server.address], minRefreshMs: 50 });

  it('finds the nodes of a service, and of a name', async () => {
    await server.serve([
      '--srv-host=_quorate._tcp.test,n1.test,7001,1,2',
      '--srv-host=_quorate._tcp.test,n2.test,7002,1,3',
      '--host-record=n1.test,10.1.0.1',
      '--host-record=n2.test,10.1.0.2,fd00::2',
    ]);
    await using service = realDiscovery({ ...options(), nodeIds: 'target' });
    expect(await service.discoverNodes()).toEqual([
      { id: 'n1', host: '10.1.0.1', port: 7001, priority: 1, weight: 2 },
      { id: 'n2', host: '10.1.0.2', port: 7002, priority: 1, weight: 3 },
      { id: 'n2', host: 'fd00::2', port: 7002, priority: 1, weight: 3 },
    ]);
    await using hosts = realDiscovery({ ...options(), names: ['n2.test:7000', 'n3'], search: ['test'] });
    expect(await hosts.discoverNodes()).toEqual([
      { host: '10.1.0.2', port: 7000 },
      { host: 'fd00::2', port: 7000 },
    ]);
  });

  it('is followed although its TTL is 0, keeps nobody from being known while it is down, and is asked again', async () => {
    const record = (host: string) => ['--srv-host=_quorate._tcp.test,n1.test,7001', `--host-record=n1.test,${host}`];
    await server.serve(record('10.1.0.1'));
    await using discovery = realDiscovery({
      ...options(),
      attemptTimeoutMs: 100,
      timeoutMs: 500,
      backoff: { baseMs: 50, maxMs: 100 },
    });
    const told = watching(discovery);
    expect(await told.next()).toEqual(['10.1.0.1']);
    await server.kill();
    await expect(discovery.discoverNodes()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await server.serve(record('10.1.0.2'));
    expect(await told.next()).toEqual(['10.1.0.2']);
  });
});
