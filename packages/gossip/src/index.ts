/**
 * @packageDocumentation
 *
 * What all nodes of a cluster come to know: small state of each node, a configuration, broadcasts and queries, carried by a
 * membership that gossips.
 */
export { createGossip } from './create-gossip.ts';
export type { GossipValue, JsonValue } from './gossip-value.ts';
export type {
  AskedQuery,
  BroadcastHandler,
  BroadcastOrigin,
  Configuration,
  Gossip,
  NodeStates,
  QueryAnswer,
  QueryHandler,
  QueryOptions,
  Setting,
  SettingChange,
  SettingWriteOptions,
  StateChange,
} from './gossip.ts';
export type { GossipCluster } from './ground.ts';
export type { GossipOptions } from './options.ts';
export type { QueryFilter } from './query-filter.ts';
export type { SettingVersion } from './setting-table.ts';
