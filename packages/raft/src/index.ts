/**
 * Raft as a pure state machine.
 *
 * @packageDocumentation
 */
export type { RaftStorage } from './storage.ts';
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
