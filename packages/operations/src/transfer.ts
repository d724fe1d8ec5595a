import {
  type Cluster,
  ClusterError,
  isClusterError,
  type LeaderElection,
  type NodeId,
  sleep,
  toClusterError,
  withDeadline,
} from '@quorate/core';
import type { RaftOperations, TransferOptions } from '@quorate/raft-host';
import { groupOperations, leaderOf } from './look.ts';
import { optional } from './optional.ts';
import type { LeaderReport } from './reports.ts';

const NOT_APPLIED = { outcome: 'not-applied' } as const;
const CANDIDATE_WITHIN_MS = 2000;
const CANDIDATE_POLL_MS = 50;

/**
 * Who has to be asked to hand the election's grant to that node: undefined where this node can see to it, or nothing is left
 * to do.
 * @throws ClusterError `UNSUPPORTED`, `QUORUM_LOST`, `NOT_LEADER`
 */
export function whoHandsOver(cluster: Cluster, to: NodeId): NodeId | undefined {
  const election = optional(() => cluster.election);
  if (election === undefined) {
    if (groupOperations(cluster) !== undefined) return undefined;
    throw new ClusterError('UNSUPPORTED', 'this cluster has no election, and no log of Raft', NOT_APPLIED);
  }
  if (!election.supports.transfer) {
    throw new ClusterError('UNSUPPORTED', "this cluster's election cannot hand over to a chosen node", NOT_APPLIED);
  }
  const { leader, leadership } = election;
  if (leadership !== undefined || leader?.nodeId === to) return undefined;
  if (leader === undefined) throw new ClusterError('QUORUM_LOST', 'no leader is known here', NOT_APPLIED);
  const { id } = cluster.self;
  if (leader.nodeId !== id) return leader.nodeId;
  throw new ClusterError('NOT_LEADER', `${id} has just lost the grant: try again`, NOT_APPLIED);
}

/**
 * Has that node elected, by this node, which holds the grant; and then has it lead the log as well, where the two are not one.
 * @throws ClusterError as `LeaderElection.transfer` and `RaftOperations.transferLeadership`
 */
export function transferTo(
  cluster: Cluster,
  to: NodeId,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<LeaderReport> {
  const { clock } = cluster.system;
  const deadline = clock.now() + timeoutMs;
  const transfer = async (until: AbortSignal): Promise<LeaderReport> => {
    const election = optional(() => cluster.election);
    if (election !== undefined && election.leader?.nodeId !== to) await elect(cluster, election, to, until);
    const group = groupOperations(cluster);
    if (group !== undefined) {
      const timeLeft = Math.max(1, deadline - clock.now());
      await leadLog(group, to, { isElected: election !== undefined, timeoutMs: timeLeft, signal: until });
    }
    return newsOf(cluster, to);
  };
  return withDeadline(clock, timeoutMs, `transfer to ${to}`, transfer, { signal });
}

/** A leader that is new doesn't know yet who else stands: whoever is there is given a moment to say so. */
async function elect(cluster: Cluster, election: LeaderElection, to: NodeId, signal: AbortSignal): Promise<void> {
  const { clock } = cluster.system;
  const until = clock.now() + CANDIDATE_WITHIN_MS;
  for (;;) {
    try {
      await election.transfer(to, { signal });
      return;
    } catch (error) {
      const isThere = cluster.nodes.some(({ node, state }) => node.id === to && state === 'alive');
      if (!isClusterError(error, 'NOT_FOUND') || !isThere || clock.now() >= until) throw error;
    }
    await sleep(clock, CANDIDATE_POLL_MS, { signal });
  }
}

async function leadLog(
  group: RaftOperations,
  to: NodeId,
  { isElected, ...options }: TransferOptions & { readonly isElected: boolean },
): Promise<void> {
  try {
    await group.transferLeadership(to, options);
  } catch (error) {
    if (!isElected) throw error;
    const { code, message, outcome } = toClusterError(error, 'REMOTE', 'transfer');
    throw new ClusterError(code, `${to} is elected, but does not lead the log: ${message}`, { outcome, cause: error });
  }
}

/** Without what this node has not heard of yet. */
function newsOf(cluster: Cluster, to: NodeId): LeaderReport {
  const { elected, replicating } = leaderOf(cluster);
  return {
    ...(elected?.nodeId === to && { elected }),
    ...(replicating?.nodeId === to && { replicating }),
  };
}
