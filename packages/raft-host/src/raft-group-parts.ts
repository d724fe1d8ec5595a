import type { StateMachine } from '@quorate/core';
import type { GroupSettings } from './group-options.ts';
import type { SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';

/** What a group of one node is made with. */
export interface RaftGroupParts<C, R, Q, A> {
  readonly id: number;
  readonly settings: GroupSettings;
  /** Makes it in its first state. */
  readonly machine: () => StateMachine<C, R, Q, A>;
  readonly snapshots: SnapshotPolicySettings;
}
