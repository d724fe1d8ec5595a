/**
 * @packageDocumentation
 *
 * Discovery from Consul: nodes are instances of a service, registered with the agent of their machine and kept alive from
 * here; changes come by blocking queries.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { consulDiscovery } from '@quorate/discovery-consul';
 * import { consulEngine } from '@quorate/engine-consul';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const discovery = consulDiscovery({ engine: consulEngine({ address: 'http://127.0.0.1:8500' }), service: 'orders' });
 * const cluster = createCluster({ nodeId: 'a', bind: '127.0.0.1:7000', transport: tcpTransport(), discovery });
 * ```
 */
export { consulDiscovery } from './consul-discovery.ts';
export type { ConsulDiscoveryOptions } from './discovery-options.ts';
