import {
  type Cluster,
  type ClusterError,
  formatAddress,
  isClusterError,
  type Member,
  type MonotonicMs,
  type NodeId,
  type ReplicationStatus,
} from '@quorate/core';
import {
  type GroupPhase,
  raftMembers,
  type RaftMembers,
  raftOperations,
  type RaftOperations,
} from '@quorate/raft-host';
import { optional } from './optional.ts';
import type { Allowed, LeaderReport, MemberReport, MembersReport, ReplicationReport, StatusReport } from './reports.ts';

/** The members of the cluster's Raft group, where its replicator or its election stands on one. */
export function groupMembers(cluster: Cluster): RaftMembers | undefined {
  const parts = [optional(() => cluster.replicator), optional(() => cluster.election)];
  const part = parts.find((each) => each !== undefined && 'raftMembers' in each);
  return part && optional(() => raftMembers(part));
}

/** What can be done with the replicator's Raft group. */
export function groupOperations(cluster: Cluster): RaftOperations | undefined {
  const replicator = optional(() => cluster.replicator);
  if (replicator === undefined || !('raftOperations' in replicator)) return undefined;
  return optional(() => raftOperations(replicator));
}

export function leaderOf(cluster: Cluster): LeaderReport {
  const { leader } = cluster;
  const status = replicationStatus(cluster);
  return {
    ...(leader === undefined ? {} : { elected: { nodeId: leader.nodeId, token: String(leader.token) } }),
    ...(isClusterError(status) || status?.leader === undefined
      ? {}
      : { replicating: { nodeId: status.leader, term: Number(status.term) } }),
  };
}

export function statusOf(cluster: Cluster, allow: Allowed, since: MonotonicMs): StatusReport {
  const { self, name, id, status, isLeader } = cluster;
  const replication = replicationOf(cluster);
  return {
    nodeId: self.id,
    address: formatAddress(self),
    cluster: name,
    ...(id === undefined ? {} : { clusterId: id }),
    status,
    allow,
    runningMs: Math.round(cluster.system.clock.now() - since),
    isLeader,
    leader: leaderOf(cluster),
    ...(replication === undefined ? {} : { replication }),
  };
}

/** Undefined where nothing replicates; the error where this node doesn't take part, or not yet. */
function replicationStatus(cluster: Cluster): ReplicationStatus | ClusterError | undefined {
  const replicator = optional(() => cluster.replicator);
  try {
    return replicator?.status();
  } catch (error) {
    if (isClusterError(error)) return error;
    throw error;
  }
}

function replicationOf(cluster: Cluster): ReplicationReport | undefined {
  const status = replicationStatus(cluster);
  if (status === undefined) return undefined;
  if (isClusterError(status)) {
    const phase = optional(() => groupMembers(cluster)?.phase);
    const nothing = { term: 0, commitIndex: 0, appliedIndex: 0, peers: [], problem: status.message };
    return phase === undefined ? nothing : { ...nothing, phase };
  }
  const { role, leader, term, commitIndex, appliedIndex, peers } = status;
  const members = groupMembers(cluster);
  const phase = optional(() => members?.phase);
  const problem = optional(() => members?.error)?.message ?? haltedBy(cluster) ?? absent(phase);
  return {
    role,
    ...(leader === undefined ? {} : { leader }),
    term: Number(term),
    commitIndex: Number(commitIndex),
    appliedIndex: Number(appliedIndex),
    peers: peers.map(({ nodeId, matchIndex, lag }) => ({ nodeId, matchIndex: Number(matchIndex), lag })),
    ...(phase === undefined ? {} : { phase }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function haltedBy(cluster: Cluster): string | undefined {
  return optional(() => groupOperations(cluster)?.status().halted?.reason);
}

/** Of a group that doesn't run here, for whatever reason. */
function absent(phase: GroupPhase | undefined): string | undefined {
  return phase === undefined || phase === 'running' ? undefined : `its group is ${phase}`;
}

/** In one answer, so that it fits into the smallest frame that a transport may be limited to. */
const MAX_MEMBERS_BYTES = 48 * 1024;

/** Those behind `after` in order of id, or the first. */
export function membersOf(cluster: Cluster, after: NodeId = ''): MembersReport {
  const all = new Map<NodeId, MemberReport>();
  const now = cluster.system.clock.now();
  for (const member of cluster.nodes) all.set(member.node.id, shownMember(member, now));
  for (const { nodeId, role, wants } of optional(() => groupMembers(cluster)?.all) ?? []) {
    all.set(nodeId, { ...all.get(nodeId), nodeId, raft: { role, wants } });
  }
  const behind = [...all.values()].filter(({ nodeId }) => nodeId > after);
  const members = fitting(behind.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1)));
  return { members, hasMore: behind.length > members.length };
}

/** The first of them, one at least. */
function fitting(members: readonly MemberReport[]): readonly MemberReport[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const end = members.findIndex((member, at) => {
    bytes += encoder.encode(JSON.stringify(member)).length;
    return at > 0 && bytes > MAX_MEMBERS_BYTES;
  });
  return end === -1 ? members : members.slice(0, end);
}

function shownMember({ node, state, incarnation, since }: Member, now: MonotonicMs): MemberReport {
  const { id: nodeId, zone, metadata } = node;
  const forMs = Math.round(now - since);
  const known = { state, address: formatAddress(node), incarnation, forMs, ...(zone !== undefined && { zone }) };
  return { nodeId, membership: metadata === undefined ? known : { ...known, metadata } };
}
