import { checkOptions, type GroupLog, type OptionRules, rule } from '@quorate/core';
import { decodeGroupState } from '../group-state.ts';
import type { Member } from '../members.ts';
import { CLUSTER_GROUP } from '../shared-group.ts';
import { membersInLog } from './members-in-log.ts';
import { type OfflineNode, withLogs } from './offline-node.ts';

/** Which node and group is looked at. */
export interface InspectGroupOptions {
  /**
   * The id of the group.
   * @default the group that the replicator of a cluster uses
   */
  readonly group?: number;
}

/** What a node that doesn't run has of a group. */
export interface GroupOnDisk {
  /** In hexadecimal. */
  readonly formation: string;
  /** Under which number this node is, or was, a member. */
  readonly number: number;
  readonly isRemoved: boolean;
  /** The last entry of its log. Of two logs, the one of the higher term has more, and at the same term the longer one. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Up to where it is known to be committed, at least. */
  readonly commit: number;
  /** The last entry that is in its snapshot; 0 where there is none. */
  readonly snapshotIndex: number;
  /** As the end of its log has them. */
  readonly members: readonly Member[];
}

const rules: OptionRules<InspectGroupOptions> = { group: rule.integer({ min: 0, max: 2 ** 32 - 1 }) };

/**
 * Reads what a node that doesn't run has of a group, and changes nothing. Undefined where it is no member.
 * @throws ClusterError `LOCKED` while the node runs; `CORRUPT`, `IO`, `INVALID_OPTIONS`
 */
export async function inspectGroup(
  node: OfflineNode,
  options: InspectGroupOptions = {},
): Promise<GroupOnDisk | undefined> {
  const { group = CLUSTER_GROUP } = checkOptions<InspectGroupOptions>('inspectGroup', rules, options);
  return await withLogs(node, (logs) => inspect(logs.group(group)));
}

async function inspect(log: GroupLog): Promise<GroupOnDisk | undefined> {
  const { identity, isRemoved } = log.state === undefined ? NOTHING : decodeGroupState(log.state);
  if (identity === undefined) return undefined;
  const { members } = await membersInLog(log);
  const { snapshot, lastIndex } = newest(log);
  const lastTerm = log.term(lastIndex) ?? snapshot?.term ?? 0;
  const commit = Math.max(Math.min(log.commit, lastIndex), snapshot?.index ?? 0);
  const snapshotIndex = snapshot?.index ?? 0;
  return { ...identity, isRemoved, lastIndex, lastTerm, commit, snapshotIndex, members: members.all };
}

/** A crash may have come between a snapshot and the cut: then the log ends with the snapshot. */
function newest(log: GroupLog): Pick<GroupLog, 'snapshot' | 'lastIndex'> {
  const { snapshot, lastIndex } = log;
  if (snapshot === undefined || log.term(snapshot.index) === snapshot.term) return { snapshot, lastIndex };
  return { snapshot, lastIndex: snapshot.index };
}

const NOTHING = { identity: undefined, isRemoved: false };
