import type { Cluster, ClusterOptions } from '@quorate/core';
import type { TallyReplicator } from '../tally.ts';

export type NodeOptions = Partial<ClusterOptions<TallyReplicator>>;

/** Where the nodes of one composition run, on machines that outlive their processes. */
export interface Stage extends AsyncDisposable {
  readonly ids: readonly string[];
  /** Begins to start a node, for the first time or again on the same disk. */
  start(id: string, options: NodeOptions): void;
  /** Stops one in order. */
  stop(id: string): Promise<void>;
  /** Those that run. */
  readonly clusters: readonly Cluster<TallyReplicator>[];
  /** Waits for it, with a bound. `what` completes "waited for". */
  until(what: string, condition: () => boolean): Promise<void>;
  /** What the promise settles with, with a bound. */
  settled<T>(promise: Promise<T>): Promise<T>;
}

/** The node, which runs. */
export function nodeOf(stage: Stage, id: string): Cluster<TallyReplicator> {
  const cluster = stage.clusters.find(({ self }) => self.id === id);
  if (cluster === undefined) throw new Error(`${id} does not run`);
  return cluster;
}
