/**
 * @packageDocumentation
 *
 * One hardened client of Consul for every adapter that stands on it: deadlines and signals on each call, blocking queries,
 * tokens and certificates that can be rotated, nothing secret in a message.
 *
 * @example
 * ```ts
 * import { consulDiscovery } from '@quorate/discovery-consul';
 * import { consulEngine } from '@quorate/engine-consul';
 *
 * const engine = consulEngine({ address: 'http://127.0.0.1:8500' });
 * const discovery = consulDiscovery({ engine, service: 'orders' });
 * ```
 */
export { BlockingQuery, type BlockingQueryOptions, followingIndex } from './blocking-query.ts';
export {
  type ConsulAnswer,
  type ConsulCallOptions,
  type ConsulClient,
  type ConsulQuery,
  MAX_ANSWER_BYTES,
} from './consul-client.ts';
export { type ConsulEngine, consulEngine } from './consul-engine.ts';
export { type ConsulRecord, type ConsulRecords, consulRecords, type ConsulRecordsOptions } from './consul-records.ts';
export type { ConsulEngineOptions, ConsulToken } from './engine-options.ts';
export type { ConsulTls, HttpAnswer, HttpExchange, HttpLine, HttpRequest, LineOptions } from './http-exchange.ts';
export { type ConsulLeasesOptions, consulLeases, MAX_LEASE_TTL_MS } from './lease/consul-leases.ts';
export { isKey, keyPart } from './lease/key-name.ts';
