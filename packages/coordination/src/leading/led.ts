import {
  ClusterError,
  type ClusterErrorDetails,
  formatAddress,
  type LeaderElection,
  type Member,
  type System,
} from '@quorate/core';

/** What has a leader: a cluster, or an election with the machine that it runs on. */
export interface Led {
  readonly election: LeaderElection;
  readonly system: Pick<System, 'clock' | 'random' | 'logger' | 'telemetry'>;
  /** Where a leader's address is looked up. */
  readonly nodes?: readonly Member[];
}

/** The leader last observed, with its address where that is known: an observation, possibly old. */
export function leaderOf({ election, nodes = [] }: Led): ClusterErrorDetails['leader'] {
  const { leader } = election;
  if (leader === undefined) return undefined;
  const node = nodes.find((member) => member.node.id === leader.nodeId)?.node;
  return { nodeId: leader.nodeId, address: node === undefined ? undefined : formatAddress(node) };
}

/** The refusal of a node that doesn't lead: nothing was done. */
export function notLeader(led: Led, what: string): ClusterError {
  const leader = leaderOf(led);
  const at = leader?.address === undefined ? '' : ` at ${leader.address}`;
  const who = leader === undefined ? 'no leader is known' : `${leader.nodeId}${at} was last seen to lead`;
  return new ClusterError('NOT_LEADER', `${what}: this node does not lead; ${who}`, { leader, outcome: 'not-applied' });
}
