import type { ClusterError, NodeId } from '@quorate/core';
import type { Role } from '@quorate/raft';
import type { Halt } from './commands/entry-feed.ts';
import type { OutcomeCodec } from './commands/outcome-codec.ts';
import type { ReplicatedMachine } from './commands/replicated-machine.ts';
import type { ForwardedCommands } from './forwarding.ts';
import type { GroupSettings } from './group-options.ts';
import type { GroupRecord } from './group-record.ts';
import type { Identity } from './group-state.ts';
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

/** What a running group is made of, and whom it tells. */
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
  readonly owner: HostedGroup;
  readonly priority: (nodeId: NodeId) => number;
  readonly onRole: (role: GroupRole) => void;
  /** This node led, and its disk does not answer. */
  readonly onStalled: () => void;
  /** Whether it is fine for this node when the group doesn't tick while there is nothing to do. */
  readonly mayRest: () => boolean;
  /** Something may have happened. */
  readonly onTurn: () => void;
  readonly onMembers: () => void;
  /** This node goes on as a member that was removed. */
  readonly onStranger: (nodeId: NodeId, number: number) => void;
  readonly onHalted: (halt: Halt | undefined) => void;
  readonly onFailed: (error: ClusterError) => void;
  readonly policy: SnapshotPolicySettings;
  readonly onSnapshotFailed: (error: ClusterError) => void;
  readonly forward: (to: NodeId, commands: ForwardedCommands) => Promise<Uint8Array>;
}
