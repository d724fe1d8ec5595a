import { type ClusterContext, silentLogger } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { staticDiscovery, type StaticDiscoveryOptions } from '../src/index.ts';

function discover(nodes: StaticDiscoveryOptions['nodes']) {
  const host = createWorld({ seed: 'static' }).host('me');
  host.start(() => undefined);
  const context = {
    ...host.system,
    logger: silentLogger,
    self: { id: 'me', host: '10.0.0.1', port: 7000 },
  } as unknown as ClusterContext;
  return staticDiscovery({ nodes }).create(context).discoverNodes();
}

it('reads every form of a node', async () => {
  const nodes = await discover([
    'a@10.0.0.2:7001',
    '10.0.0.3:7002',
    'b@[::1]:7003',
    { host: 'node.example', port: 7004, id: 'c', zone: 'z1', metadata: { rack: '7' } },
  ]);
  expect(nodes).toEqual([
    { id: 'a', host: '10.0.0.2', port: 7001 },
    { host: '10.0.0.3', port: 7002 },
    { id: 'b', host: '::1', port: 7003 },
    { host: 'node.example', port: 7004, id: 'c', zone: 'z1', metadata: { rack: '7' } },
  ]);
});

it.each<[unknown, RegExp]>([
  [{}, /nodes must be a list, each id@host:port.* got undefined/u],
  [{ nodes: 'a@h:1' }, /nodes must be a list, each id@host:port.* got "a@h:1"/u],
  [{ nodes: ['a@h:1', 'b@h'] }, /nodes\[1\] must be id@host:port.* got "b@h"/u],
  [{ nodes: [{ host: 'h', port: 0 }] }, /nodes\[0\] must be .* got h:0/u],
  [{ nodes: ['a@h:1', 'a@h:1', 'a@h:2'] }, /one id at one address, got "a@h:1 and a@h:2"/u],
  [{ nodes: ['a@h:1', 'b@h:1'] }, /one id at one address, got "a@h:1 and b@h:1"/u],
  [{ nodes: Array.from({ length: 1001 }, (_, port) => `h:${port + 1}`) }, /at most 1000 nodes, got 1001/u],
])('refuses %j by name', (options, message) => {
  expect(() => staticDiscovery(options as StaticDiscoveryOptions)).toThrow(message);
});

it('leaves this node out, by its id or address, and tells others once', async () => {
  const nodes = await discover(['me@10.0.0.9:7000', '10.0.0.1:7000', 'a@10.0.0.2:7001', '10.0.0.2:7001']);
  expect(nodes).toEqual([{ id: 'a', host: '10.0.0.2', port: 7001 }]);
});

it('keeps the list it was given, whatever becomes of the array', async () => {
  const node = { host: '10.0.0.2', port: 7001, metadata: { rack: '7' } };
  const nodes = [node];
  const found = discover(nodes);
  node.port = 1;
  node.metadata.rack = '8';
  nodes.length = 0;
  expect(await found).toEqual([{ host: '10.0.0.2', port: 7001, metadata: { rack: '7' } }]);
});
