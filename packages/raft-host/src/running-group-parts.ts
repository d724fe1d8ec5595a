import type { ClusterError, NodeId } from '@quorate/core';
import type { Role } from '@quorate/raft';
import type { Halt } from './commands/entry-feed.ts';
import type { OutcomeCodec } from './commands/outcome-codec.ts';
import type { ReplicatedMachine } from './commands/replicated-machine.ts';
import type { GroupSettings } from './group-options.ts';
import type { GroupInstruments } from './group-instruments.ts';
import type { GroupRecord } from './group-record.ts';
import type { Identity } from './group-state.ts';
import type { GroupUsers } from './group-users.ts';
import type { HostedGroup, RaftHost } from './raft-host.ts';
import type { CheckedLog } from './repair/checked-log.ts';
import type { SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';

/** Where a running group stands, as far as it concerns others. */
export interface GroupRole {
  readonly role: Role;
  readonly term: number;
  /** Undefined while none is known. */
  readonly leader: NodeId | undefined;
}

/** Whose running group it is, and whom it tells. */
export interface RunningGroupOwner extends HostedGroup {
  readonly users: GroupUsers;
  readonly instruments: GroupInstruments;
  /** Aborted when it is closed. */
  readonly closing: AbortSignal;
  /** Whether it is fine for this node when the group doesn't tick while there is nothing to do. */
  readonly canRest: boolean;
  /** Something may have happened. */
  turned(): void;
  /** The role of this node has changed, or the members have. */
  membersChanged(): void;
  /** This node goes on as a member that was removed. */
  strangerSpoke(nodeId: NodeId, number: number): void;
  /** What who takes this node for the leader is told. */
  notLeader(): ClusterError;
  /** The machine has stopped there; or, without a place, goes on. */
  halted(halt: Halt | undefined): void;
  /** The group can't go on here; not with this log, if that is damaged. */
  over(error: ClusterError): void;
}

/** What a running group is made of. */
export interface RunningGroupParts<R> {
  readonly host: RaftHost;
  readonly id: number;
  readonly settings: GroupSettings;
  readonly identity: Identity;
  readonly record: GroupRecord;
  readonly log: CheckedLog;
  /** As of the log's snapshot. */
  readonly machine: ReplicatedMachine<unknown, R, unknown, unknown>;
  readonly codec: OutcomeCodec<R>;
  readonly owner: RunningGroupOwner;
  readonly policy: SnapshotPolicySettings;
}
