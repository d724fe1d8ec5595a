import { type CallOptions, ClusterError, type NodeId } from '@quorate/core';
import type { GroupPhase } from '../group-status.ts';

/** A member of a Raft group, as the node that is asked knows it. */
export interface RaftMember {
  readonly nodeId: NodeId;
  /** What it is: a learner gets the log, and has no vote. */
  readonly role: 'voter' | 'learner';
  /** What it is to be: a learner that is to vote does so when it has caught up. */
  readonly wants: 'voter' | 'learner';
}

export interface ChangeMembersOptions extends CallOptions {
  /**
   * How long to wait until the change is made, in milliseconds. A node that has to catch up first may take long.
   * @default 60000
   */
  readonly timeoutMs?: number;
}

export interface AddNodeOptions extends ChangeMembersOptions {
  /**
   * Whether it is to vote. It learns in any case, until it has caught up.
   * @default 'voter'
   */
  readonly as?: 'voter' | 'learner';
}

/**
 * Who is a member of a Raft group, and how that changes: on any node, whoever leads. Changes are made one after the other.
 *
 * Each method resolves when its change is in force. It rejects with a `ClusterError` whose `outcome` says whether it
 * certainly wasn't made: where that is unknown, it may be made yet, and the same call again finds out. Beside those named
 * there, the codes are `QUORUM_LOST` (no leader was found, or the voters who would be left are too few), `NOT_LEADER`,
 * `OVERLOADED` (too many changes at once), `DISCONNECTED`, `TIMEOUT`, `ABORTED` (the signal ends the wait, not the change),
 * `REFUSED` on a node that was removed, and `CLOSED`.
 */
export interface RaftMembers {
  /** How far this node is itself. */
  readonly phase: GroupPhase;
  /** Why this node doesn't take part, where it doesn't: of a damaged log, with file and offset. */
  readonly error: ClusterError | undefined;
  /** In the order in which they were added. None until this node is a member itself. */
  readonly all: readonly RaftMember[];
  /** What is now, then each change; a slow reader gets the newest. */
  watch(options?: CallOptions): AsyncIterable<readonly RaftMember[]>;
  /**
   * Adds a node, which runs with the same options as the others. It is a learner first, and gets a vote when it has caught
   * up, be it after the call has given up. For a member that is one it does nothing but wait, or let a learner vote.
   * @throws ClusterError `NOT_FOUND` when the node can't be reached, or was removed meanwhile; `REFUSED` when it has lost
   * its log, or belongs to another formation; `INVALID_OPTIONS` for a voter that is to be a learner
   */
  addNode(nodeId: NodeId, options?: AddNodeOptions): Promise<void>;
  /**
   * Removes a node; also the one that leads, or this one. When the call has resolved, the node may be switched off.
   * @throws ClusterError `NOT_FOUND` for one that is no member, `ELECTORATE_MISMATCH` for the last voter
   */
  removeNode(nodeId: NodeId, options?: ChangeMembersOptions): Promise<void>;
  /**
   * Puts one node in the place of another, or a node in its own place when it has lost its log. The new one learns first;
   * then it takes over the vote in one step.
   * @throws ClusterError `NOT_FOUND` when `by` can't be reached, or `nodeId` is no member; `REFUSED` as `addNode`;
   * `INVALID_OPTIONS` when `by` votes already, or has lost nothing
   */
  replaceNode(nodeId: NodeId, by: NodeId, options?: ChangeMembersOptions): Promise<void>;
}

/** A part that stands on a group: found by its property, so that copies of its class are too. */
export interface HasMembers {
  readonly raftMembers: RaftMembers;
}

/**
 * The members of the group that this part of a cluster stands on: `raftMembers(cluster.replicator)`, or of its election; its
 * locks have a group of their own.
 * Where both share one group it is the same for both.
 * @throws ClusterError `INVALID_OPTIONS` for a part that stands on none, `CLOSED` for one that is not started or disposed
 */
export function raftMembers(part: object): RaftMembers {
  if ('raftMembers' in part) return (part as HasMembers).raftMembers;
  throw new ClusterError(
    'INVALID_OPTIONS',
    'raftMembers: expected a part that stands on Raft: a replicator, an election or locks',
  );
}
