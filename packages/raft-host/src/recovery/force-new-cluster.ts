import {
  checkOptions,
  ClusterError,
  crc32 as crc32InTables,
  encodeBatch,
  type GroupLog,
  type LogEntry,
  type NodeId,
  type OptionRules,
  rule,
} from '@quorate/core';
import { type ConfChange, type ConfChangeSingle, type ConfState, encodeConfChange } from '@quorate/raft';
import { decodeGroupState, type GroupState, type Identity } from '../group-state.ts';
import { encodeChangeContext, type Member, type Members } from '../members.ts';
import { CLUSTER_GROUP } from '../shared-group.ts';
import { kindOf } from '../wire/entry-kind.ts';
import { membersInLog } from './members-in-log.ts';
import { newFormation, stateOf } from './new-formation.ts';
import { type OfflineNode, withLogs } from './offline-node.ts';

/** Of which node and group a new formation is made. */
export interface ForceNewClusterOptions {
  /**
   * The id of the group.
   * @default the group that the replicator of a cluster uses
   */
  readonly group?: number;
}

/** What became of a group by force. */
export interface ForcedCluster {
  /** The new one, in hexadecimal. */
  readonly formation: string;
  /** The last entry of the log that this node had: it counts as committed, and all before it. */
  readonly lastIndex: number;
  /** Up to where it was known to be committed. What is behind may never have been acknowledged to anybody. */
  readonly commit: number;
  /** The members until then, this node among them: it has another number now. */
  readonly former: readonly Member[];
}

const rules: OptionRules<ForceNewClusterOptions> = { group: rule.integer({ min: 0, max: 2 ** 32 - 1 }) };

/**
 * Makes, of what this node has of a group whose quorum is lost for good, a new formation with this node as its only voter.
 * All of its log counts as committed; what only the others had is lost, acknowledged or not. The node must not run
 * meanwhile. The former members, should they come back, are not heard: they have to be wiped and added anew. Until then
 * those of them that are a quorum go on as the old group, so make sure that they don't run.
 *
 * It is one write: where that fails, the node is what it was.
 * @throws ClusterError `NOT_FOUND` where the node is no member of the group, `REFUSED` where it was removed from it;
 * `LOCKED` while the node runs; `CORRUPT`, `IO`, `INVALID_OPTIONS`
 */
export async function forceNewCluster(node: OfflineNode, options: ForceNewClusterOptions = {}): Promise<ForcedCluster> {
  const { group = CLUSTER_GROUP } = checkOptions<ForceNewClusterOptions>('forceNewCluster', rules, options);
  return await withLogs(node, async (logs) => {
    const log = logs.group(group);
    const { term } = memberState(log, node.nodeId);
    await finishCut(log);
    return await force(log, term, node);
  });
}

function memberState(log: GroupLog, nodeId: NodeId): GroupState & { readonly identity: Identity } {
  const state = log.state === undefined ? undefined : decodeGroupState(log.state);
  if (state?.identity === undefined) {
    throw new ClusterError('NOT_FOUND', `${nodeId} is no member of group ${log.id}: it has nothing of it`);
  }
  if (state.isRemoved) {
    throw new ClusterError('REFUSED', `${nodeId} was removed from group ${log.id}: it may lack what came since`);
  }
  return { ...state, identity: state.identity };
}

/** A crash came between a snapshot and the cut. */
async function finishCut(log: GroupLog): Promise<void> {
  const { snapshot } = log;
  if (snapshot === undefined || log.term(snapshot.index) === snapshot.term) return;
  await log.truncatePrefix(snapshot.index, snapshot.term);
}

async function force(log: GroupLog, stateTerm: number, { nodeId, system }: OfflineNode): Promise<ForcedCluster> {
  const { random, crc32 = crc32InTables } = system;
  const { lastIndex, commit } = log;
  const { members, confState } = await membersInLog(log);
  const term = Math.max(stateTerm, log.term(lastIndex) ?? 0) + 1;
  const made = newFormation(nodeId, members.lastNumber + 1, random);
  const entries = changesTo(made.member, members, confState).map((change, at): LogEntry => {
    const { type, data } = encodeConfChange(change);
    return { index: lastIndex + 1 + at, term, kind: kindOf(type), data };
  });
  await log.append([encodeBatch(entries, crc32)], {
    state: stateOf(made, term),
    commit: lastIndex + entries.length,
  });
  return { formation: made.formation, lastIndex, commit: Math.min(commit, lastIndex), former: members.all };
}

/** The changes that lead to this member alone, from wherever the group is. */
function changesTo(member: Member, members: Members, confState: ConfState): readonly ConfChange[] {
  const numbers = [...confState.voters, ...confState.votersOutgoing, ...confState.learners, ...confState.learnersNext];
  const gone = new Set([...numbers, ...members.all.map(({ number }) => number)]);
  const removals = [...gone].map((nodeId): ConfChangeSingle => ({ type: 'remove-node', nodeId }));
  const leave: ConfChange = { version: 2, transition: 'auto', changes: [] };
  const replace: ConfChange = {
    version: 2,
    transition: 'joint-explicit',
    changes: [{ type: 'add-node', nodeId: member.number }, ...removals],
    context: encodeChangeContext({ members: [member] }),
  };
  return confState.votersOutgoing.length > 0 ? [leave, replace, leave] : [replace, leave];
}
