import {
  BaseClusterDiscovery,
  checkOptions,
  type ClusterContext,
  ClusterError,
  type DiscoveredNode,
  type IClusterDiscovery,
  type LookupAnswer,
  type Plugin,
  type PollingOptions,
  pollingRules,
} from '@quorate/core';

import type { DiscoveryHarness } from '../src/index.ts';

/** A source that does everything a harness can ask of one. */
export interface ListSource {
  entries: readonly unknown[];
  state: 'up' | 'broken' | 'stalled';
}

class ListDiscovery extends BaseClusterDiscovery {
  readonly #source: ListSource;

  constructor(context: ClusterContext, source: ListSource, options: PollingOptions) {
    super(context, 'list', options);
    this.#source = source;
  }

  protected override lookup(): Promise<LookupAnswer> {
    const { state, entries } = this.#source;
    if (state === 'stalled') return new Promise(() => undefined);
    if (state === 'broken') return Promise.reject(new ClusterError('IO', 'broken on purpose'));
    return Promise.resolve(entries as readonly DiscoveredNode[]);
  }
}

export function listDiscovery(
  source: ListSource,
  options: PollingOptions = {},
): Plugin<IClusterDiscovery, 'discovery'> {
  const checked = checkOptions('listDiscovery', pollingRules, options);
  return {
    name: 'list',
    kind: 'discovery',
    requires: [],
    create: (context) => new ListDiscovery(context, source, checked),
  };
}

/** With every hook there is. */
export const listHarness: DiscoveryHarness<ListSource> = {
  name: 'discovery on BaseClusterDiscovery',
  supports: { registration: false, watch: 'poll', createIfAbsent: false },
  source: () => ({ entries: [], state: 'up' }),
  create: (_nodes, source) => listDiscovery(source),
  publish: (source, nodes) => {
    source.entries = nodes;
  },
  publishRaw: (source, entries) => {
    source.entries = entries;
  },
  breakSource: (source) => {
    source.state = 'broken';
  },
  repairSource: (source) => {
    source.state = 'up';
  },
  stallSource: (source) => {
    source.state = 'stalled';
  },
  refuses: {
    factory: (options: PollingOptions) => listDiscovery({ entries: [], state: 'up' }, options),
    options: [{ intervalMs: 1 }, { timeoutMs: 'long' }, { backoff: { baseMs: 0 } }],
  },
};
