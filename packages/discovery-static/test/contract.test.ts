import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { staticDiscovery } from '../src/index.ts';

discoveryContract(
  { describe, it },
  {
    name: 'discovery-static',
    supports: { registration: false, watch: 'push', createIfAbsent: false },
    create: (nodes) => staticDiscovery({ nodes }),
    refuses: {
      factory: staticDiscovery,
      options: [
        { nodes: undefined },
        { nodes: 'a@127.0.0.1:7001' },
        { nodes: ['no port'] },
        { nodes: ['127.0.0.1:0'] },
        { nodes: ['a b@127.0.0.1:7001'] },
        { nodes: [{ host: '127.0.0.1', port: 70_000 }] },
        { nodes: [{ host: '127.0.0.1', port: 7001, id: '' }] },
        { nodes: [null] },
        { nodes: ['a@127.0.0.1:7001', 'a@127.0.0.1:7002'] },
        { nodes: ['a@127.0.0.1:7001', 'b@127.0.0.1:7001'] },
        { nodes: Array.from({ length: 1_001 }, (_, at) => `10.0.0.1:${at + 1}`) },
      ],
    },
  },
);
