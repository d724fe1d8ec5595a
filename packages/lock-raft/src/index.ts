/**
 * @packageDocumentation
 *
 * Fenced locks, read/write locks and semaphores in a replicated log: fair, with leases that are driven through the log,
 * and tokens that only grow.
 */
import type { Locks, Plugin } from '@quorate/core';
import { withGroupUse } from '@quorate/raft-host';
import { type RaftLocksOptions, readOptions } from './options.ts';
import { RaftLocks } from './raft-locks.ts';

export type { RaftLocksOptions } from './options.ts';
export {
  type AddNodeOptions,
  type ChangeMembersOptions,
  type GroupPhase,
  type OperationsStatus,
  type RaftGroupOptions,
  type RaftMember,
  type RaftMembers,
  raftMembers,
  type RaftOperations,
  raftOperations,
  type RaftProfile,
  raftProfiles,
  type RaftTimings,
  type SnapshotPolicyOptions,
  type SnapshotTransferOptions,
  type TransferOptions,
} from '@quorate/raft-host';

/**
 * Locks that are kept by `voters`, in a group of their own; nodes that are none of them ask those. Beside `raftElection`
 * and `raftReplicator` all share connections and log.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function raftLocks(options: RaftLocksOptions): Plugin<Locks, 'locks'> {
  const use = readOptions(options);
  const plugin: Plugin<Locks, 'locks'> = {
    name: 'lock-raft',
    kind: 'locks',
    requires: ['transport', 'log'],
    create: (context) => new RaftLocks(context, use),
  };
  return withGroupUse(plugin, use);
}
