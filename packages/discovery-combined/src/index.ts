/**
 * @packageDocumentation
 *
 * Discoveries made of discoveries: `anyOf` hears all of them, `firstOf` the first that has an answer.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { anyOf } from '@quorate/discovery-combined';
 * import { staticDiscovery } from '@quorate/discovery-static';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const fixed = staticDiscovery({ nodes: ['a@127.0.0.1:7000'] });
 * const lab = staticDiscovery({ nodes: ['b@127.0.0.1:7001'] });
 * const cluster = createCluster({ nodeId: 'a', transport: tcpTransport(), discovery: anyOf([fixed, lab]) });
 * ```
 */
export { anyOf, type AnyOfOptions } from './any-of.ts';
export { type DiscoveryPlugin, MAX_COMBINED } from './combination.ts';
export { firstOf, type FirstOfOptions } from './first-of.ts';
