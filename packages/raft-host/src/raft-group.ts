import type { CallOptions, ClusterError, NodeId } from '@quorate/core';
import type { Command } from './commands/command-batch.ts';
import type { GroupUsers } from './group-users.ts';
import type { CommandOptions, GroupPeer, GroupPhase, GroupStatus, LeaderLease } from './group-status.ts';
import type { RaftMembers } from './membership/raft-members.ts';
import type { Settled } from './proposals.ts';
import type { ReadDesk } from './read-desk.ts';
import type { RaftOperations } from './recovery/raft-operations.ts';

/** One group on one node, as those see it who build on it. */
export interface RaftGroup<C, R, Q, A> extends AsyncDisposable {
  readonly id: number;
  /** What the parts of the node that use the group want of it. */
  readonly users: GroupUsers;
  readonly phase: GroupPhase;
  readonly status: GroupStatus;
  /** How fresh the machine of this node is. */
  readonly reads: ReadDesk;
  /** What an operator does with it. */
  readonly operations: RaftOperations;
  /** Who is a member, and how that changes. */
  readonly members: RaftMembers;
  /** Whether no command waits here for what becomes of it. */
  readonly isIdle: boolean;
  /** Says that this node doesn't lead, and who does as far as it knows. */
  notLeader(): ClusterError;
  /** What is now, then each change of phase, role, leader or members; a slow reader gets the newest. */
  watch(options?: CallOptions): AsyncIterable<GroupStatus>;
  /**
   * Reads what is stored, and takes part from then on. Resolves without waiting for peers: the group may be forming yet.
   * @throws ClusterError `CORRUPT`, `IO`; what the machine throws when it restores its snapshot
   */
  start(): Promise<void>;
  /**
   * Has commands committed and applied, next to each other, in their order.
   * @throws ClusterError `NOT_LEADER`, `QUORUM_LOST`, `TIMEOUT`, `OVERLOADED`, `ABORTED`, `CLOSED`, with the outcome
   */
  submit(commands: readonly Command[], options?: CommandOptions): Promise<Settled<R>[]>;
  /**
   * Has one command committed and applied.
   * @throws ClusterError as `submit`
   */
  submitOne(command: Command, options?: CommandOptions): Promise<Settled<R>>;
  /** A command of the machine, encoded. */
  encode(command: C): Uint8Array;
  /**
   * Asks the machine, as it is here and now.
   * @throws ClusterError with the command that it has stopped at; `QUORUM_LOST` while it is repaired; what the machine
   * throws
   */
  query(query: Q): A;
  /** This node's lease, and the term that it leads in; 0 and -Infinity when it doesn't. Milliseconds of the clock. */
  lease(): LeaderLease;
  /** Stands for election at once, rather than after a silence. */
  campaign(): void;
  /** Leads no more, and leaves it to the others to elect one. */
  stepDown(): void;
  /** Voters to whom this leader can hand over, those with the most of the log first. */
  successors(): readonly NodeId[];
  /** Hands leadership over to this node, if it is a voter; that takes a moment, and may fail. */
  transferLeader(to: NodeId): void;
  /** What a leader knows of the others; nothing on other nodes. */
  peers(): readonly GroupPeer[];
}
