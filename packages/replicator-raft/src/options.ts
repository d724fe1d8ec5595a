import {
  type ClusterError,
  checkOptions,
  invalidOption,
  type OptionRules,
  rule,
  type StateMachine,
} from '@quorate/core';
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

const OWNER = 'raftReplicator';
const SNAPSHOTS = `${OWNER} snapshots`;
const TRANSFER = `${OWNER} snapshotTransfer`;

export interface RaftReplicatorOptions<C, R, Q, A> extends RaftGroupOptions {
  /**
   * Makes the state machine: once for each node, and once more after one has failed. The same code on every node, as it
   * must come to the same state from the same commands.
   */
  readonly machine: () => StateMachine<C, R, Q, A>;
  /**
   * How long a session lives without a sign of its client, by the time of the log. Milliseconds.
   * @default 60000
   */
  readonly sessionTtlMs?: number;
  /** When this node captures the machine's state, and how much of the log it keeps behind that. Nodes may differ. */
  readonly snapshots?: SnapshotPolicyOptions;
  /** How fast and how many at a time snapshots go from and to this node, of all its groups. Nodes may differ. */
  readonly snapshotTransfer?: SnapshotTransferOptions;
}

export interface RaftReplicatorSettings<C, R, Q, A> {
  readonly use: GroupUse<C, R, Q, A>;
  readonly sessionTtlMs: number;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions<C, R, Q, A>(
  options: RaftReplicatorOptions<C, R, Q, A>,
): RaftReplicatorSettings<C, R, Q, A> {
  const rules: OptionRules<RaftReplicatorOptions<C, R, Q, A>> = {
    ...groupRules(OWNER),
    machine: rule.value('a function that makes a state machine', (value) => typeof value === 'function'),
    sessionTtlMs: rule.duration({ min: 1000, max: 86_400_000 }),
    snapshots: rule.group(SNAPSHOTS, snapshotPolicyRules),
    snapshotTransfer: rule.group(TRANSFER, snapshotTransferRules),
  };
  const given = checkOptions<RaftReplicatorOptions<C, R, Q, A>>(OWNER, rules, options);
  const { machine, sessionTtlMs, snapshots, snapshotTransfer: transfer, ...group } = given;
  if (machine === undefined) throw missing();
  const use = {
    owner: OWNER,
    settings: readGroupOptions(OWNER, group),
    machine,
    snapshots: readPolicyOptions(SNAPSHOTS, snapshots ?? {}),
    ...(transfer && { transfer }),
  };
  return { use, sessionTtlMs: sessionTtlMs ?? 60_000 };
}

function missing(): ClusterError {
  return invalidOption(OWNER, 'machine', 'a function that makes a state machine', undefined);
}
