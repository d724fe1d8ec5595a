/**
 * @packageDocumentation
 *
 * Discovery from Kubernetes: the endpoints of a service, or pods with certain labels, as the API server tells of them.
 *
 * @example
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { kubernetesDiscovery } from '@quorate/discovery-kubernetes';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const discovery = kubernetesDiscovery({ service: 'web', port: 'cluster' });
 * const cluster = createCluster({ nodeId: 'web-0', bind: '127.0.0.1:7000', transport: tcpTransport(), discovery });
 * ```
 */
export type { KubernetesDiscoveryOptions } from './discovery-options.ts';
export { kubernetesDiscovery } from './kubernetes-discovery.ts';
