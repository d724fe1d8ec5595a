/**
 * @packageDocumentation
 *
 * Runs groups of the Raft consensus algorithm on the storage, the transport and the clock of a node: what
 * `@quorate/replicator-raft` and `@quorate/election-raft` stand on.
 */
export type { Command } from './commands/command-batch.ts';
export type { CommandPosition } from './commands/skip.ts';
export type { CommandOutcome } from './commands/command-outcome.ts';
export {
  type GroupChoice,
  groupRules,
  type RaftGroupOptions,
  type RaftProfile,
  raftProfiles,
  type RaftTimings,
  readGroupOptions,
} from './group-options.ts';
export type { Member } from './members.ts';
export type { Settled } from './proposals.ts';
export type {
  CommandOptions,
  GroupPeer,
  GroupPhase,
  GroupStatus,
  ReadOptions as GroupReadOptions,
} from './group-status.ts';
export {
  type AddNodeOptions,
  type ChangeMembersOptions,
  type HasMembers,
  type RaftMember,
  type RaftMembers,
  raftMembers,
} from './membership/raft-members.ts';
export type { RaftGroup } from './raft-group.ts';
export type { HistoryEnd } from './recovery/archived-history.ts';
export type { ArchivePiece } from './recovery/archive-format.ts';
export { type BackupInfo, readBackupInfo } from './recovery/backup-format.ts';
export { type ForcedCluster, forceNewCluster, type ForceNewClusterOptions } from './recovery/force-new-cluster.ts';
export { type GroupOnDisk, inspectGroup, type InspectGroupOptions } from './recovery/inspect-group.ts';
export type { ArchiveOptions } from './recovery/log-archiver.ts';
export type { OfflineNode } from './recovery/offline-node.ts';
export {
  type BackupOptions,
  type BarrierOptions,
  type HaltedAt,
  type HasOperations,
  type OperationsStatus,
  type RaftOperations,
  raftOperations,
  type SnapshotTaken,
} from './recovery/raft-operations.ts';
export { restoreGroup, type RestoredGroup, type RestoreGroupOptions } from './recovery/restore-group.ts';
export type { SkipOptions } from './recovery/skipping.ts';
export type { TransferOptions } from './recovery/transferring.ts';
export {
  readPolicyOptions,
  type SnapshotPolicyOptions,
  snapshotPolicyRules,
  type SnapshotPolicySettings,
} from './snapshots/snapshot-policy.ts';
export { type SnapshotTransferOptions, snapshotTransferRules } from './snapshots/transfer-options.ts';
export { type GroupUse, withGroupUse } from './group-use.ts';
export { CLUSTER_GROUP, type SharedGroup, sharedGroup } from './shared-group.ts';
