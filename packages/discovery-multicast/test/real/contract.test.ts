import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { multicastDiscovery } from '../../src/index.ts';
import { ScriptedNodes, SECRET } from '../scripted-nodes.ts';

const where = { interface: '127.0.0.1', ttl: 0 };

discoveryContract(
  { describe, it },
  {
    name: 'discovery-multicast on loopback',
    supports: { registration: true, watch: 'push', createIfAbsent: false },
    system: nodeSystem({ logger: silentLogger }),
    noticedWithinMs: 3_000,
    source: (context) => ScriptedNodes.open(context, where),
    create: (_nodes, source) => {
      const timings = { intervalMs: 300, collectMs: 250, backoff: { baseMs: 50, maxMs: 100 } };
      const plugin = multicastDiscovery({ secret: SECRET, port: source.port, ...where, ...timings });
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
  },
);
