/**
 * @packageDocumentation
 *
 * Messages, requests and streams between nodes over framed TCP, one connection for each pair of nodes.
 *
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { nodeSystem } from '@quorate/core/node';
 * import { staticDiscovery } from '@quorate/discovery-static';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const cluster = createCluster({
 *   system: nodeSystem(),
 *   name: 'orders',
 *   nodeId: 'a',
 *   bind: '127.0.0.1:7001',
 *   transport: tcpTransport({ heartbeat: { timeoutMs: 3000 } }),
 *   discovery: staticDiscovery({ nodes: ['127.0.0.1:7002', '127.0.0.1:7003'] }),
 * });
 * await cluster.start();
 * ```
 */
export type { Frame } from './frame.ts';
export { frameToJson } from './frame-json.ts';
export type { HeartbeatOptions, ReconnectOptions, TcpTransportOptions } from './options.ts';
export { tcpTransport } from './tcp-transport.ts';
