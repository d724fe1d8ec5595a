import { type DiscoveredNode, isNodeId } from '@quorate/core';
import { discoveryContract } from '@quorate/testkit';
import type { Answer } from 'dns-packet';
import { describe, it } from 'vitest';

import { dnsDiscovery } from '../src/index.ts';
import { a, srv, ZoneServer } from './zone-server.ts';

const SERVICE = '_quorate._tcp.test';

/** What no record can say stands beside those that can, as something else. */
function recordsOf(entry: unknown): readonly Answer[] {
  const { id, host, port, ...rest } = Object(entry) as Partial<DiscoveredNode>;
  const isPort = typeof port === 'number' && port >= 0 && port <= 0xffff;
  const isName = typeof host === 'string' && host.length < 64 && (id === undefined || isNodeId(id));
  if (!isPort || !isName || Object.keys(rest).length > 0) {
    return [{ type: 'TXT', name: SERVICE, data: JSON.stringify(entry).slice(0, 200) }];
  }
  if (id === undefined) return [srv(SERVICE, { target: host, port })];
  return [srv(SERVICE, { target: `${id}.test`, port }), a(`${id}.test`, host)];
}

discoveryContract<ZoneServer>(
  { describe, it },
  {
    name: 'discovery-dns',
    supports: { registration: false, watch: 'poll', createIfAbsent: false },
    source: ({ net, self }) => ZoneServer.open(net, { host: self.host, port: 0 }),
    create: (_nodes, { address: { host, port } }) =>
      dnsDiscovery({ names: [SERVICE], resolvers: [`${host}:${port}`], nodeIds: 'target' }),
    publish: (server, nodes) => {
      server.records = nodes.flatMap(recordsOf);
    },
    publishRaw: (server, entries) => {
      server.records = entries.flatMap(recordsOf);
    },
    breakSource: (server) => {
      server.mode = { rcode: 2 };
    },
    stallSource: (server) => {
      server.mode = 'silent';
    },
    repairSource: (server) => {
      server.mode = 'normal';
    },
    refuses: {
      factory: dnsDiscovery,
      options: [
        { names: undefined },
        { names: [] },
        { names: 'nodes.test' },
        { names: ['nodes..test'] },
        { names: ['nodes.test:0'] },
        { names: ['nodes.test:70000'] },
        { names: ['no spaces.test'] },
        { names: [`${'x'.repeat(64)}.test`] },
        { names: Array.from({ length: 33 }, (_, at) => `n${at}.test`) },
        { names: [SERVICE], resolvers: [] },
        { names: [SERVICE], resolvers: ['dns.test'] },
        { names: [SERVICE], resolvers: ['10.0.0.256'] },
        { names: [SERVICE], resolvers: ['10.0.0.1:0'] },
        { names: [SERVICE], search: [''] },
        { names: [SERVICE], ndots: 16 },
        { names: [SERVICE], family: 'ipv5' },
        { names: [SERVICE], nodeIds: 'guess' },
        { names: [SERVICE], maxRefreshMs: 0 },
        { names: [SERVICE], maxRefreshMs: 100, minRefreshMs: 200 },
        { names: [SERVICE], timeoutMs: 100, attemptTimeoutMs: 200 },
        { names: [SERVICE], backoff: { baseMs: 0, maxMs: 1 } },
      ],
    },
  },
);
