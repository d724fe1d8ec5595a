import { type Cluster, isClusterError, type ReplicationStatus, type Replicator } from '@quorate/core';
import type { Host } from '@quorate/simulator';
import type { ReplicaRun } from './command-order.ts';
import type { LedgerAnswer, LedgerCommand, LedgerQuery, LedgerResult } from './ledger-commands.ts';
import type { LedgerMachine } from './ledger-machine.ts';

export type LedgerReplicator = Replicator<LedgerCommand, LedgerResult, LedgerQuery, LedgerAnswer>;

/** One run of a node, from the start of its process to its end. */
export interface LedgerNode extends ReplicaRun {
  readonly host: Host;
  /** Of the host: which of its processes this is. */
  readonly boot: number;
  readonly cluster: Cluster<LedgerReplicator>;
  /** Undefined until the cluster has started. */
  replicator: LedgerReplicator | undefined;
  /** The machine that was made last. */
  machine: LedgerMachine | undefined;
  /** The number of the last command that was acknowledged to a client here: `session` reads must see it. */
  acknowledged: number;
}

/** Undefined before it has started, and once it is closed. */
export function statusOf({ replicator }: LedgerNode): ReplicationStatus | undefined {
  try {
    return replicator?.status();
  } catch (error) {
    if (isClusterError(error, 'CLOSED')) return undefined;
    throw error;
  }
}
