/**
 * @packageDocumentation
 *
 * Messages, requests and streams between nodes over framed TCP, one connection for each pair of nodes.
 *
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { staticDiscovery } from '@quorate/discovery-static';
 * import { majorityElection } from '@quorate/election-majority';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const cluster = createCluster({
 *   name: 'orders',
 *   nodeId: 'a',
 *   bind: { host: '127.0.0.1', port: 7001 },
 *   transport: tcpTransport({ heartbeat: { timeoutMs: 3000 } }),
 *   discovery: staticDiscovery({ nodes: ['b@127.0.0.1:7002', 'c@127.0.0.1:7003'] }),
 *   election: majorityElection({ voters: ['a', 'b', 'c'] }),
 * });
 * await cluster.start();
 * ```
 */
export type { Frame } from './frame.ts';
export { frameToJson } from './frame-json.ts';
export type { HeartbeatOptions, ReconnectOptions, TcpTransportOptions } from './options.ts';
export { connectTcpClient, type TcpClientOptions } from './tcp-client.ts';
export { tcpTransport } from './tcp-transport.ts';
