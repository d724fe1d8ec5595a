import type { TrackerConfig } from './tracker-config.ts';
import type { ProgressState } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import type { HardState, SoftState } from './types.ts';

/** Where a node stands: costs one small object. */
export interface BasicStatus extends HardState, SoftState {
  readonly id: number;
  /** The highest index applied to the state machine. */
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** To whom leadership is being handed over, or `NONE`. */
  readonly transferee: number;
}

/** What a leader knows of a member of its group. */
export interface ProgressStatus {
  readonly isLearner: boolean;
  readonly state: ProgressState;
  /** The highest index known to be in its log. */
  readonly match: number;
  readonly next: number;
  /** Whether no entries are sent to it now. */
  readonly paused: boolean;
  readonly pendingSnapshot: number;
  /** Whether it was heard of since the quorum was last checked. */
  readonly recentActive: boolean;
  /** What is on its way to it. */
  readonly inflights: { readonly count: number; readonly bytes: number; readonly full: boolean };
}

/** Where a node stands, and what it knows of the others. */
export interface Status extends BasicStatus {
  readonly config: TrackerConfig;
  /** In ascending order of id; empty unless this node leads. */
  readonly progress: ReadonlyMap<number, ProgressStatus>;
}

export function basicStatus(raft: RaftState): BasicStatus {
  const { id, term, vote, role, leader, transferee, log } = raft;
  const { committed: commit, applied, firstIndex, lastIndex } = log;
  return { id, term, vote, commit, leader, role, applied, firstIndex, lastIndex, transferee };
}

export function fullStatus(raft: RaftState): Status {
  const progress = raft.role === 'leader' ? copyProgress(raft) : new Map<number, ProgressStatus>();
  return { ...basicStatus(raft), config: raft.tracker.config, progress };
}

function copyProgress(raft: RaftState): ReadonlyMap<number, ProgressStatus> {
  const copy = new Map<number, ProgressStatus>();
  for (const [id, progress] of raft.tracker.progress) {
    const { isLearner, state, match, next, paused, pendingSnapshot, recentActive } = progress;
    const { count, bytes, full } = progress.inflights;
    const inflights = { count, bytes, full };
    copy.set(id, { isLearner, state, match, next, paused, pendingSnapshot, recentActive, inflights });
  }
  return copy;
}
