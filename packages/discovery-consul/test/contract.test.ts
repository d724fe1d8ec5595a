import { consulEngine } from '@quorate/engine-consul';
import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { consulDiscovery } from '../src/index.ts';
import { entryOf, FakeConsul } from './fake-consul.ts';

discoveryContract<FakeConsul>(
  { describe, it },
  {
    name: 'discovery-consul on what Consul may say',
    supports: { registration: true, watch: 'push', createIfAbsent: true },
    source: () => new FakeConsul(),
    create: (_nodes, consul) => consulDiscovery({ engine: consulEngine({ exchange: consul.exchange }) }),
    publish: (consul, nodes) => {
      consul.entries = nodes.map(entryOf);
      consul.changed();
    },
    publishRaw: (consul, entries) => {
      consul.entries = entries.map(entryOf);
      consul.changed();
    },
    breakSource: (consul) => {
      consul.state = 'broken';
      consul.changed();
    },
    stallSource: (consul) => {
      consul.state = 'stalled';
    },
    repairSource: (consul) => {
      consul.state = 'up';
      consul.changed();
    },
  },
);
