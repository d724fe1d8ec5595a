import type { DiscoveredNode } from '@quorate/core';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { kubernetesDiscovery } from '../src/index.ts';
import { FakeKubernetes, rawSlice, sliceOf } from './fake-kubernetes.ts';

discoveryContract<FakeKubernetes>(
  { describe, it },
  {
    name: 'discovery-kubernetes on what an API server may say',
    supports: { registration: false, watch: 'push', createIfAbsent: true },
    source: ({ clock }) => new FakeKubernetes(clock),
    create: (_nodes, { http }) => kubernetesDiscovery({ engine: kubernetesEngine({ http }), service: 'web' }),
    publish: (source, nodes) => source.put(nodes.map(sliceOf)),
    publishRaw: (source, entries) => source.put(entries.map(rawOf)),
    breakSource: (source) => source.break(),
    stallSource: (source) => {
      source.state = 'stalled';
    },
    repairSource: (source) => {
      source.state = 'up';
    },
    refuses: {
      factory: kubernetesDiscovery,
      options: [
        {},
        { podSelector: 'app=web', service: 'web' },
        { service: '' },
        { service: 'Web' },
        { service: 'a,b=c' },
        { podSelector: ' ' },
        { podSelector: 'app=web&limit=1' },
        { service: 'web', engine: {} },
        { service: 'web', namespace: '../kube-system' },
        { service: 'web', port: 0 },
        { service: 'web', port: 65_536 },
        { service: 'web', port: '7000' },
        { service: 'web', include: 'some' },
        { service: 'web', addressType: 'FQDN' },
        { service: 'web', podNamesAreIds: 'yes' },
        { service: 'web', watchMs: 999 },
        { service: 'web', gatherMs: -1 },
        { service: 'web', claimName: 'a/b' },
        { service: 'web', timeoutMs: 0 },
        { service: 'web', backoff: { baseMs: 2_000, maxMs: 1_000 } },
      ],
    },
  },
);

/** An entry as a slice: what an endpoint has no place for, and what is nothing at all, stands where one should be. */
function rawOf(entry: unknown, at: number): ReturnType<typeof rawSlice> {
  const { host, port, id, ...rest } = (entry ?? {}) as Partial<DiscoveredNode>;
  const isEndpoint = host !== undefined && Object.keys(rest).length === 0;
  const endpoint = isEndpoint ? { addresses: [host], conditions: {}, targetRef: targetOf(id) } : entry;
  const ports = port === undefined ? null : [{ name: 'cluster', protocol: 'TCP', port }];
  return rawSlice(`slice-${at}`, [endpoint], ports);
}

function targetOf(id: string | undefined): object | undefined {
  return id === undefined ? undefined : { kind: 'Pod', name: id };
}
