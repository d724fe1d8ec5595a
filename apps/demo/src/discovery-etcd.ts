import { etcdDiscovery } from '@quorate/discovery-etcd';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster } from '@quorate/test-servers';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry } from './discovery-registry.ts';

const DEFAULT_PLACE = 'http://127.0.0.1:2379';
/** Short, so that there is something to see. */
const LEASE_MS = 3_000;
/** For etcd to notice that a lease has run out, and to revoke it. */
const SERVER_MS = 1_000;

/** `--discovery etcd`: nodes are keys with leases in etcd. */
export const etcdNodes: DiscoveryChoice = {
  make: ({ registry = DEFAULT_PLACE }) => {
    const engine = etcdEngine({ endpoints: registry.split(',') });
    return etcdDiscovery({ engine, prefix: '/quorate-demo/', leaseMs: LEASE_MS });
  },
  asked: { start: startEtcd, forgetsWithinMs: LEASE_MS + SERVER_MS },
};

/** One member, with temporary files. */
async function startEtcd(): Promise<DiscoveryRegistry> {
  const server = await EtcdCluster.start();
  if (server === undefined) throw new Error('etcd is not to be had here: start one, and name it with --registry');
  return { place: server.endpoints.join(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
