import type { ProgressState } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import type { ConfState, HardState, SoftState } from './types.ts';

/** Where a node stands, at no cost. */
export interface BasicStatus {
  readonly id: number;
  readonly hardState: HardState;
  readonly softState: SoftState;
  /** The highest index applied to the state machine. */
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** To whom leadership is being handed over, or `NONE`. */
  readonly transferee: number;
}

/** What a leader knows of a member of its group. */
export interface MemberStatus {
  readonly id: number;
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
  readonly inflightMessages: number;
  readonly inflightBytes: number;
  /** Whether its window is full. */
  readonly inflightFull: boolean;
}

export interface Status extends BasicStatus {
  readonly confState: ConfState;
  /** In ascending order of id; empty unless this node leads. */
  readonly members: readonly MemberStatus[];
}

export function basicStatus(raft: RaftState): BasicStatus {
  const { id, log, transferee } = raft;
  const { applied, firstIndex, lastIndex } = log;
  return { id, hardState: raft.hardState(), softState: raft.softState(), applied, firstIndex, lastIndex, transferee };
}

export function fullStatus(raft: RaftState): Status {
  const members = raft.role === 'leader' ? memberStatuses(raft) : [];
  return { ...basicStatus(raft), confState: raft.tracker.confState(), members };
}

function memberStatuses(raft: RaftState): readonly MemberStatus[] {
  return Array.from(raft.tracker.progress, ([id, progress]) => ({
    id,
    isLearner: progress.isLearner,
    state: progress.state,
    match: progress.match,
    next: progress.next,
    paused: progress.paused,
    pendingSnapshot: progress.pendingSnapshot,
    recentActive: progress.recentActive,
    inflightMessages: progress.inflights.count,
    inflightBytes: progress.inflights.bytes,
    inflightFull: progress.inflights.full,
  }));
}
