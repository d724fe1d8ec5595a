import { type ClusterContext, ClusterError, formatAddress, type NodeId } from '@quorate/core';
import type { GroupPeer, GroupStatus, LeaderLease } from './group-status.ts';
import { successors } from './progress-view.ts';
import type { RunningGroup } from './running-group.ts';

type ShownGroup = Pick<RunningGroup<unknown>, 'role' | 'node' | 'configuration' | 'nodeOf' | 'applied'>;

/** The status of a group that runs here, or doesn't yet. */
export function shownStatus(
  running: ShownGroup | undefined,
  { phase, term, error }: Pick<GroupStatus, 'phase' | 'term' | 'error'>,
): GroupStatus {
  const basic = running?.node.basicStatus();
  return {
    phase,
    role: running === undefined ? 'follower' : shownRole(running),
    term: basic?.term ?? term,
    leader: running?.role.leader,
    commitIndex: basic?.commit ?? 0,
    appliedIndex: running?.applied ?? 0,
    members: running?.configuration.members.all ?? [],
    error,
  };
}

/** What a node is in a group, in the words of the status. */
function shownRole({ role, node, configuration }: ShownGroup): GroupStatus['role'] {
  if (role.role !== 'leader' && role.role !== 'follower') return 'candidate';
  const isLearner = configuration.confState.learners.includes(node.basicStatus().id);
  return isLearner ? 'learner' : role.role;
}

/** Voters to whom this leader can hand over, those with the most of the log first; nobody on other nodes. */
export function successorsOf(running: Pick<RunningGroup<unknown>, 'node' | 'nodeOf'> | undefined): readonly NodeId[] {
  if (running === undefined) return [];
  return successors(running.node).flatMap((number) => running.nodeOf(number) ?? []);
}

/** What a leader knows of the others; nothing on other nodes. */
export function peersOf(running: ShownGroup): readonly GroupPeer[] {
  const { progress, id, lastIndex } = running.node.status();
  return [...progress].flatMap(([number, { match }]): GroupPeer[] => {
    const nodeId = running.nodeOf(number);
    return nodeId === undefined || number === id ? [] : [{ nodeId, matchIndex: match, lag: lastIndex - match }];
  });
}

/** What this node answers who takes it for the leader. */
export function notLeader(
  { self, transport }: ClusterContext,
  group: number,
  running: Pick<RunningGroup<unknown>, 'role'> | undefined,
): ClusterError {
  const nodeId = running?.role.leader;
  const node = nodeId === undefined ? undefined : transport.peer(nodeId)?.node;
  const leader = nodeId === undefined ? undefined : { nodeId, address: node && formatAddress(node) };
  return new ClusterError('NOT_LEADER', `${self.id} does not lead group ${group}`, { leader, outcome: 'not-applied' });
}

export function leaseOf(running: Pick<RunningGroup<unknown>, 'role' | 'node'> | undefined): LeaderLease {
  if (running?.role.role !== 'leader') return { term: 0, leaseUntil: -Infinity };
  return { term: running.role.term, leaseUntil: running.node.leaseUntil() };
}
