/** When a write counts as done. `local` may be lost with this node. */
export type WriteConsistency = 'local' | { readonly acks: number } | 'quorum' | 'all';

/** How fresh a read is. */
export type ReadConsistency = 'local' | { readonly maxStalenessMs: number } | 'session' | 'lease' | 'linearizable';

/** The presets of `ClusterOptions.consistency`. */
export type ConsistencyLevel = 'eventual' | 'quorum' | 'linearizable';

/** How writes and reads go that don't say it themselves. */
export interface ConsistencyPreset {
  readonly write: WriteConsistency;
  readonly read: ReadConsistency;
}

/** What each `consistency` of a cluster stands for. */
export const consistencyPresets: Readonly<Record<ConsistencyLevel, ConsistencyPreset>> = {
  eventual: { write: 'local', read: 'local' },
  quorum: { write: 'quorum', read: 'session' },
  linearizable: { write: 'quorum', read: 'linearizable' },
};
