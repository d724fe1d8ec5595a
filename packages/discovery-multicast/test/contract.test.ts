import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { multicastDiscovery, type MulticastDiscoveryOptions } from '../src/index.ts';
import { ScriptedNodes, SECRET } from './scripted-nodes.ts';

const wrong: readonly MulticastDiscoveryOptions[] = [
  { secret: 'too short' },
  { secret: [] },
  { secret: [SECRET, ''] },
  { secret: 7 as never },
  { secret: SECRET, insecure: true },
  { secret: SECRET, group: '10.0.0.1' },
  { secret: SECRET, group: '239.1.2.300' },
  { secret: SECRET, port: 0 },
  { secret: SECRET, interface: 'eth0' },
  { secret: SECRET, interface: '::%eth0' },
  { secret: SECRET, group: 'ff02::1', interface: '10.0.0.1' },
  { secret: SECRET, ttl: 256 },
  { secret: SECRET, intervalMs: 10 },
  { secret: SECRET, missed: 1 },
  { secret: SECRET, collectMs: 10 },
  { secret: SECRET, backoff: { baseMs: 0, maxMs: 1 } },
];

discoveryContract(
  { describe, it },
  {
    name: 'discovery-multicast',
    supports: { registration: true, watch: 'push', createIfAbsent: false },
    source: (context) => ScriptedNodes.open(context),
    create: (_nodes, source) => {
      const plugin = multicastDiscovery({ secret: SECRET, port: source.port });
      return { ...plugin, create: (context) => plugin.create({ ...context, net: source.netFor(context.net) }) };
    },
    publish: (source, nodes) => source.publish(nodes),
    publishRaw: (source, entries) => source.publishRaw(entries),
    breakSource: (source) => {
      source.state = 'broken';
    },
    repairSource: (source) => {
      source.state = 'up';
    },
    stallSource: (source) => {
      source.state = 'stalled';
    },
    refuses: { factory: multicastDiscovery, options: wrong as never },
  },
);
