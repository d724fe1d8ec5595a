/**
 * @packageDocumentation
 *
 * Discovery from a list that the program gives: the smallest adapter, and the one to copy.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { staticDiscovery } from '@quorate/discovery-static';
 *
 * const discovery = staticDiscovery({ nodes: ['a@10.0.0.1:7000', 'b@10.0.0.2:7000'] });
 * ```
 */
export { MAX_NODES, staticDiscovery, type StaticDiscoveryOptions } from './static-discovery.ts';
