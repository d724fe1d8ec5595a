/**
 * @packageDocumentation
 *
 * Discovery in a local network, without a server: nodes announce themselves to a multicast group.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { multicastDiscovery } from '@quorate/discovery-multicast';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const discovery = multicastDiscovery({ secret: process.env['CLUSTER_SECRET'] ?? '' });
 * const cluster = createCluster({ nodeId: 'a', transport: tcpTransport(), discovery });
 * ```
 */
export type { IgnoredReason } from './ignored.ts';
export { type MulticastDiscovery, multicastDiscovery } from './multicast-discovery.ts';
export type { MulticastDiscoveryOptions } from './multicast-options.ts';
