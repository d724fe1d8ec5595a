/**
 * Raft as a pure state machine.
 *
 * @packageDocumentation
 */
export type { LeaseConfig } from './lease.ts';
export type { RaftConfig, RaftRandom } from './raft-config.ts';
export { RaftError, type RaftErrorCode } from './raft-error.ts';
export { RaftNode } from './raft-node.ts';
export type { StepResult } from './raft-state.ts';
export { MemoryRaftStorage } from './memory-raft-storage.ts';
export type { ProgressState } from './progress.ts';
export type { BasicStatus, ProgressStatus, Status } from './status.ts';
export type { RaftStorage } from './storage.ts';
export {
  asV2,
  type ConfChange,
  ConfChangeError,
  type ConfChangeErrorCode,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfChangeV1,
  type ConfChangeV2,
} from './conf-change.ts';
export { decodeConfChange, encodeConfChange } from './conf-change-codec.ts';
export type { TrackerConfig } from './tracker-config.ts';
export {
  type ConfState,
  type Entry,
  type EntryType,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type MessageType,
  NONE,
  type ReadState,
  type Ready,
  type Role,
  type Snapshot,
  type SnapshotMetadata,
  type SoftState,
} from './types.ts';
