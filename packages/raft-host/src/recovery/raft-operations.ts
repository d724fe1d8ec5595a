import { type CallOptions, ClusterError, type NodeId } from '@quorate/core';
import type { CommandPosition } from '../commands/skip.ts';
import type { GroupPhase } from '../group-status.ts';
import type { ArchivePiece } from './archive-format.ts';
import type { ArchiveOptions } from './log-archiver.ts';
import type { SkipOptions } from './skipping.ts';
import type { TransferOptions } from './transferring.ts';

/** The command at which the state machine of a node has stopped. */
export interface HaltedAt extends CommandPosition {
  /** What the state machine threw. */
  readonly reason: string;
  /** Whether a skip of the command would let it go on. */
  readonly canBeSkipped: boolean;
}

/** A group on this node, as its operator sees it. */
export interface OperationsStatus {
  readonly phase: GroupPhase;
  /** Undefined unless the phase is `halted`. */
  readonly halted: HaltedAt | undefined;
  /** The last entry that is applied here. */
  readonly appliedIndex: number;
  /** The time of the log there, in milliseconds: it goes on only while somebody leads, and is no time of day. */
  readonly timeMs: number;
}

/** A snapshot that this node has. */
export interface SnapshotTaken {
  /** The last entry that is in it. */
  readonly index: number;
  /** Of its content, in bytes. */
  readonly size: number;
}

export interface BarrierOptions extends CallOptions {
  /** @default 5000 */
  readonly timeoutMs?: number;
}

export interface BackupOptions extends CallOptions {
  /**
   * What this node has, without asking whoever leads whether that is all: it may lack what was acknowledged, and can be
   * had without a quorum.
   * @default false
   */
  readonly local?: boolean;
  /**
   * How long the question to the leader may take. Milliseconds.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/** What an operator does with a group that runs, on any of its nodes. Where it isn't running, all of it throws. */
export interface RaftOperations {
  status(): OperationsStatus;
  /**
   * Resolves when this node has applied all that was acknowledged before the call: a linearizable read of nothing.
   * @throws ClusterError as a linearizable read; what the machine has stopped with
   */
  barrier(options?: BarrierOptions): Promise<void>;
  /**
   * Has this voter lead, and resolves when it does. Commands wait meanwhile. An election that shares the
   * group goes with it.
   * @throws ClusterError `NOT_FOUND` when it is no voter that the leader can reach; `REFUSED` when priorities want the
   * leader more, so that it would lead again at once; `NOT_LEADER` while nobody leads; `TIMEOUT`, after which it may yet come
   * to lead; `OVERLOADED`, `ABORTED`, `CLOSED`
   */
  transferLeadership(to: NodeId, options?: TransferOptions): Promise<void>;
  /**
   * Has all nodes go on without the command at which their state machines have stopped. The skip is an entry of the log;
   * a node that nobody could ask, and that has applied the command, takes it back. Resolves when the leader's machine has
   * gone on, also when the command was skipped already.
   * @throws ClusterError `REFUSED` when the leader's machine has not stopped at this command, or can't go on without it,
   * or when a member says that it has applied the command: then the nodes where it failed have to be started again;
   * `NOT_LEADER`, `QUORUM_LOST`, `TIMEOUT`, `ABORTED`, `CLOSED`
   */
  skipCommand(position: CommandPosition, options?: SkipOptions): Promise<void>;
  /**
   * Takes a snapshot of what is applied here now, and cuts the log behind it as its policy says.
   * @throws ClusterError `IO`, `CLOSED`; what the machine throws, or has stopped with
   */
  snapshotNow(): Promise<SnapshotTaken>;
  /**
   * The state as it is at the first read of this, while the group goes on: a file that can be restored anywhere. It has
   * all that was acknowledged before, unless it is `local`. To be read once, to its end: what was cut off is refused.
   * @throws ClusterError as a linearizable read; `ABORTED`, `CLOSED`; what the machine throws, or has stopped with
   */
  backup(options?: BackupOptions): AsyncIterable<Uint8Array>;
  /**
   * Follows the committed log, in pieces to be stored: with a backup that was begun after the archive, they restore any
   * later moment. While it is read, the log is kept for it, within the policy's `keepBytes`.
   * @throws ClusterError `NOT_FOUND` when entries were cut off before they were archived, so that a new backup is needed;
   * `ABORTED`, `CLOSED`, `IO`, `CORRUPT`, `INVALID_OPTIONS`
   */
  archive(options?: ArchiveOptions): AsyncIterable<ArchivePiece>;
}

/** A part that stands on a group: found by its property, so that copies of its class are too. */
export interface HasOperations {
  readonly raftOperations: RaftOperations;
}

/**
 * What an operator does with the group that this replicator stands on, or that keeps these locks.
 * @throws ClusterError `INVALID_OPTIONS` for what stands on none; `CLOSED` for one that is not started, or disposed
 */
export function raftOperations(part: object): RaftOperations {
  if ('raftOperations' in part) return (part as HasOperations).raftOperations;
  throw new ClusterError('INVALID_OPTIONS', 'raftOperations: expected a replicator or locks that stand on Raft');
}
