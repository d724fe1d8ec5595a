import { consulDiscovery } from '@quorate/discovery-consul';
import { dnsDiscovery } from '@quorate/discovery-dns';
import { consulEngine } from '@quorate/engine-consul';
import { clusterFormation } from '@quorate/formation';
import { memoryStorage } from '@quorate/memory';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, expect, it } from 'vitest';

import { meets, MeetingNodes } from '../src/meeting-nodes.ts';

const consul = await ConsulServer.start();
if (consul === undefined) reportAbsent('consul');

const nodes = new MeetingNodes();
afterEach(async () => await nodes[Symbol.asyncDispose]());
afterAll(async () => consul?.[Symbol.asyncDispose]());

it.skipIf(consul === undefined)('nodes meet through Consul, and one that knows only its DNS meets them', async () => {
  const server = consul as ConsulServer;
  const engine = consulEngine({ address: server.address });
  const registered = ['a', 'b'].map((id) => nodes.node(id, consulDiscovery({ engine, service: 'meeting' })));
  const resolvers = [`127.0.0.1:${server.dnsPort}`];
  const outsider = nodes.node('c', dnsDiscovery({ names: ['meeting.service.consul'], resolvers }));
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

it.skipIf(consul === undefined)('nodes form one cluster, by what Consul keeps of it', async () => {
  const engine = consulEngine({ address: (consul as ConsulServer).address });
  const formed = ['a', 'b', 'c'].map((id) =>
    nodes.node(id, consulDiscovery({ engine, service: 'forming' }), {
      storage: memoryStorage(),
      formation: clusterFormation({ expectedNodes: 3 }),
    }),
  );
  await Promise.all(formed.map((cluster) => cluster.start()));
  expect(new Set(formed.map(({ id }) => id)).size).toBe(1);
  expect(formed[0]?.id).toBeDefined();
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
  const [a, b] = [nodes.node('a', discovery()), nodes.node('b', discovery())];
  const met = [meets(a, ['b']), meets(b, ['a'])];
  await Promise.all([a.start(), b.start()]);
  expect(a.status).toBe('running');
  await server.restart();
  await Promise.all(met);
});
