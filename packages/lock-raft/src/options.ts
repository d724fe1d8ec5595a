import { checkOptions, type OptionRules, rule } from '@quorate/core';
import {
  groupRules,
  type GroupUse,
  type RaftGroupOptions,
  readGroupOptions,
  readPolicyOptions,
  type SnapshotPolicyOptions,
  snapshotPolicyRules,
  type SnapshotTransferOptions,
  snapshotTransferRules,
} from '@quorate/raft-host';

const OWNER = 'raftLocks';
const SNAPSHOTS = `${OWNER} snapshots`;
const TRANSFER = `${OWNER} snapshotTransfer`;

/** The group that keeps the locks: beside that of the cluster, and with a leader of its own. */
export const LOCK_GROUP = 2;

/** A Raft group that keeps locks. The same on every node, but for what says otherwise. */
export interface RaftLocksOptions extends RaftGroupOptions {
  /** When this node captures the state of the locks, and how much of the log it keeps behind that. Nodes may differ. */
  readonly snapshots?: SnapshotPolicyOptions;
  /** How fast and how many at a time snapshots go from and to this node, of all its groups. Nodes may differ. */
  readonly snapshotTransfer?: SnapshotTransferOptions;
}

/** Without its machine, which each node makes. */
export type LockGroupUse = Omit<GroupUse<never, never, never, never>, 'machine'>;

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: RaftLocksOptions): LockGroupUse {
  const rules: OptionRules<RaftLocksOptions> = {
    ...groupRules(OWNER),
    snapshots: rule.group(SNAPSHOTS, snapshotPolicyRules),
    snapshotTransfer: rule.group(TRANSFER, snapshotTransferRules),
  };
  const { snapshots, snapshotTransfer: transfer, ...group } = checkOptions<RaftLocksOptions>(OWNER, rules, options);
  return {
    owner: OWNER,
    group: LOCK_GROUP,
    settings: readGroupOptions(OWNER, group),
    snapshots: readPolicyOptions(SNAPSHOTS, snapshots ?? {}),
    ...(transfer && { transfer }),
  };
}
