import type { CallOptions, ClusterError, MonotonicMs, NodeId } from '@quorate/core';
import type { Member } from './members.ts';

/** How far a group is on this node. */
export type GroupPhase =
  /** Not started, or reading what it has. */
  | 'opening'
  /** A founder that waits for the others. */
  | 'forming'
  /** No founder, and not invited yet. */
  | 'waiting'
  /** The log of this node was damaged and is set aside: it asks the group for a place again. */
  | 'repairing'
  | 'running'
  /** The state machine has failed: consensus goes on, applying does not. */
  | 'halted'
  /** The group exists, and doesn't know this node, or knows it by a log that it no longer has. */
  | 'refused'
  /** This node was a member, and is none any more. Added again, it goes on. */
  | 'removed'
  /** The disk failed, or the log, and that could not be helped. */
  | 'failed'
  | 'closed';

/** How a group is on this node. */
export interface GroupStatus {
  readonly phase: GroupPhase;
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner';
  readonly term: number;
  readonly leader: NodeId | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly Member[];
  /** Why it doesn't run, where that is so. */
  readonly error: ClusterError | undefined;
}

/** The lease of a node, and the term that it leads in; 0 and -Infinity when it doesn't. Milliseconds of its clock. */
export interface LeaderLease {
  readonly term: number;
  readonly leaseUntil: MonotonicMs;
}

/** How far another member is, in the eyes of the leader. */
export interface GroupPeer {
  readonly nodeId: NodeId;
  /** The last index known to be in its log. */
  readonly matchIndex: number;
  /** Entries that it lacks. */
  readonly lag: number;
}

export interface CommandOptions extends CallOptions {
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Done only when every voter has it, not just a majority. */
  readonly onAll?: boolean;
}

export interface ReadOptions extends CallOptions {
  /** @default 5000 */
  readonly timeoutMs?: number;
}
