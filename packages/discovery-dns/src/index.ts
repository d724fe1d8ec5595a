/**
 * @packageDocumentation
 *
 * Discovery from DNS: the SRV records of a name, or its addresses.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { dnsDiscovery } from '@quorate/discovery-dns';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const discovery = dnsDiscovery({ names: ['_quorate._tcp.example.com'] });
 * const cluster = createCluster({ nodeId: 'a', bind: '10.0.0.1:7000', transport: tcpTransport(), discovery });
 * ```
 */
export { dnsDiscovery } from './dns-discovery.ts';
export type { DnsDiscoveryOptions } from './dns-options.ts';
