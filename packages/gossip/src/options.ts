import { checkOptions, type OptionRules, rule } from '@quorate/core';
import type { QueryOptions } from './gossip.ts';
import { filterRules } from './query-filter.ts';

/** What gossip is told. */
export interface GossipOptions {
  /**
   * How long it is remembered that a key of the configuration was removed. A node that was cut off for longer may bring it
   * back.
   * @default 86400000
   */
  readonly reapAfterMs?: number;
  /**
   * The most queries of this node under way.
   * @default 64
   */
  readonly maxQueries?: number;
  /**
   * The most queries that this node answers at one time. Further ones are told that it is busy.
   * @default 128
   */
  readonly maxAnswering?: number;
}

export type GossipSettings = Required<GossipOptions>;

const HOUR_MS = 3_600_000;

const rules: OptionRules<GossipOptions> = {
  reapAfterMs: rule.duration({ min: 60_000, max: 365 * 24 * HOUR_MS }),
  maxQueries: rule.integer({ min: 1, max: 10_000 }),
  maxAnswering: rule.integer({ min: 1, max: 10_000 }),
};

export function readGossipOptions(options: GossipOptions): GossipSettings {
  return {
    reapAfterMs: 24 * HOUR_MS,
    maxQueries: 64,
    maxAnswering: 128,
    ...checkOptions('createGossip', rules, options),
  };
}

export type QuerySettings = Required<Omit<QueryOptions, 'signal'>> & Pick<QueryOptions, 'signal'>;

const queryRules: OptionRules<QueryOptions> = {
  signal: rule.value<AbortSignal>('an AbortSignal', (value) => value instanceof AbortSignal),
  timeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  filter: rule.group('query filter', filterRules),
  maxAnswers: rule.integer({ min: 1, max: 100_000 }),
  maxBytes: rule.integer({ min: 1, max: 1_073_741_824 }),
};

export function readQueryOptions(options: QueryOptions): QuerySettings {
  return {
    timeoutMs: 5_000,
    filter: {},
    maxAnswers: 1_024,
    maxBytes: 1_048_576,
    ...checkOptions('query', queryRules, options),
  };
}
