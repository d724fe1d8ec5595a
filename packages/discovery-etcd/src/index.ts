/**
 * @packageDocumentation
 *
 * Discovery from etcd: nodes are keys with leases, and changes are pushed.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { etcdDiscovery } from '@quorate/discovery-etcd';
 * import { etcdEngine } from '@quorate/engine-etcd';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const engine = etcdEngine({ endpoints: ['http://127.0.0.1:2379'] });
 * const cluster = createCluster({
 *   nodeId: 'a',
 *   bind: '127.0.0.1:7000',
 *   transport: tcpTransport(),
 *   discovery: etcdDiscovery({ engine }),
 * });
 * ```
 */
export type { EtcdDiscoveryOptions } from './discovery-options.ts';
export { etcdDiscovery } from './etcd-discovery.ts';
