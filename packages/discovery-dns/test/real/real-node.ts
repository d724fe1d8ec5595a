import { type ClusterContext, type DiscoverySnapshot, type IClusterDiscovery, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';

import { dnsDiscovery, type DnsDiscoveryOptions } from '../../src/index.ts';

/** On this machine, for a node that nobody names. */
export function realDiscovery(options: DnsDiscoveryOptions): IClusterDiscovery {
  const self = { id: 'me', host: '127.0.0.1', port: 1 };
  const system = nodeSystem({ logger: silentLogger });
  return dnsDiscovery(options).create({ ...system, self } as unknown as ClusterContext);
}

/** What a watch tells: the hosts of each snapshot that differ from those before. */
export function watching(discovery: IClusterDiscovery): { next(): Promise<readonly string[]> } {
  const snapshots = discovery.watch()[Symbol.asyncIterator]();
  let before = '';
  return {
    next: async () => {
      for (;;) {
        const { value } = (await snapshots.next()) as IteratorYieldResult<DiscoverySnapshot>;
        const hosts = value.nodes.map(({ host }) => host);
        if (hosts.join() === before) continue;
        before = hosts.join();
        return hosts;
      }
    },
  };
}
