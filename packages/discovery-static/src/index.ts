/**
 * @packageDocumentation
 *
 * Discovery from a list that the program gives: the smallest adapter, and the one to copy.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { staticDiscovery } from '@quorate/discovery-static';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const discovery = staticDiscovery({ nodes: ['a@127.0.0.1:7000', 'b@127.0.0.1:7001'] });
 * const cluster = createCluster({ nodeId: 'a', bind: '127.0.0.1:7000', transport: tcpTransport(), discovery });
 * ```
 */
export { MAX_NODES, staticDiscovery, type StaticDiscoveryOptions } from './static-discovery.ts';
