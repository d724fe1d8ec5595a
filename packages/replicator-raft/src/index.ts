/**
 * @packageDocumentation
 *
 * A state machine on every node, with the same commands in the same order: replicated by a Raft group, durable before a
 * command is acknowledged, and readable with the freshness that each read asks for.
 */
import type { Plugin, Replicator } from '@quorate/core';
import { withGroupUse } from '@quorate/raft-host';
import { type RaftReplicatorOptions, readOptions } from './options.ts';
import { RaftReplicator } from './raft-replicator.ts';

export type { RaftReplicatorOptions } from './options.ts';
export {
  type AddNodeOptions,
  type ArchiveOptions,
  type ArchivePiece,
  type BackupInfo,
  type BackupOptions,
  type BarrierOptions,
  type ChangeMembersOptions,
  type CommandPosition,
  type ForcedCluster,
  forceNewCluster,
  type ForceNewClusterOptions,
  type GroupPhase,
  type GroupOnDisk,
  type HaltedAt,
  type HistoryEnd,
  inspectGroup,
  type InspectGroupOptions,
  type OfflineNode,
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
  readBackupInfo,
  type RestoredGroup,
  restoreGroup,
  type RestoreGroupOptions,
  type SkipOptions,
  type SnapshotTaken,
  type SnapshotPolicyOptions,
  type SnapshotTransferOptions,
  type TransferOptions,
} from '@quorate/raft-host';

/**
 * Replicates a state machine among `voters`. Beside `raftElection`, given the same group options, both share one group.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function raftReplicator<C, R, Q, A>(
  options: RaftReplicatorOptions<C, R, Q, A>,
): Plugin<Replicator<C, R, Q, A>, 'replicator'> {
  const settings = readOptions(options);
  const plugin: Plugin<Replicator<C, R, Q, A>, 'replicator'> = {
    name: 'replicator-raft',
    kind: 'replicator',
    requires: ['transport', 'log'],
    create: (context) => new RaftReplicator(context, settings),
  };
  return withGroupUse(plugin, settings.use);
}
