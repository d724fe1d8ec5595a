import { etcdDiscovery } from '@quorate/discovery-etcd';
import { etcdEngine } from '@quorate/engine-etcd';
import type { DiscoveryChoice } from './discoveries.ts';
import { ETCD_PLACE, startEtcd } from './etcd-server.ts';

/** Short, so that there is something to see. */
const LEASE_MS = 3_000;
/** For etcd to notice that a lease has run out, and to revoke it. */
const SERVER_MS = 1_000;

/** `--discovery etcd`: nodes are keys with leases in etcd. */
export const etcdNodes: DiscoveryChoice = {
  make: ({ registry = ETCD_PLACE }) => {
    const engine = etcdEngine({ endpoints: registry.split(',') });
    return etcdDiscovery({ engine, prefix: '/quorate-demo/', leaseMs: LEASE_MS });
  },
  asked: { start: startEtcd, forgetsWithinMs: LEASE_MS + SERVER_MS },
};
