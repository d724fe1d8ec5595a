import type { MemberReport, StatusReport } from '@quorate/operations';
import { type Column, type Output, span, type Style } from '../output.ts';
import type { Connection } from './connection.ts';
import { toFailure } from '../failure.ts';

/** A node, by what it says itself, or why it doesn't. */
interface NodeStatus {
  readonly nodeId: string;
  readonly report?: StatusReport;
  readonly problem?: string;
}

const columns: readonly Column<NodeStatus>[] = [
  { name: 'node', of: ({ nodeId }) => nodeId },
  {
    name: 'status',
    of: ({ report }) => report?.status ?? 'no answer',
    style: ({ report }) => (report ? 'green' : 'red'),
  },
  { name: 'address', of: ({ report }) => report?.address },
  { name: 'leads', of: ({ report }) => report && (report.isLeader ? 'yes' : 'no') },
  { name: 'role', of: ({ report }) => report?.replication?.role },
  { name: 'term', of: ({ report }) => report?.replication?.term },
  { name: 'commit', of: ({ report }) => report?.replication?.commitIndex },
  { name: 'applied', of: ({ report }) => report?.replication?.appliedIndex },
  { name: 'running', of: ({ report }) => report && span(report.runningMs) },
  { name: 'operations', of: ({ report }) => report?.allow },
  { name: 'problem', of: ({ report, problem }) => problem ?? report?.replication?.problem, style: () => 'red' },
];

/** Each node by what it says itself, asked through the one that is connected. */
export async function status({ node, timeoutMs }: Connection, output: Output): Promise<void> {
  const here = await node.status({ timeoutMs });
  const members = await node.members({ timeoutMs });
  const others = members.filter(({ nodeId, membership }) => nodeId !== here.nodeId && membership?.state !== 'left');
  const asked = others.map(async ({ nodeId }): Promise<NodeStatus> => {
    try {
      return { nodeId, report: await node.status({ on: nodeId, timeoutMs: Math.min(timeoutMs, STATUS_MS) }) };
    } catch (error) {
      return { nodeId, problem: toFailure(error).message };
    }
  });
  const nodes = [{ nodeId: here.nodeId, report: here }, ...(await Promise.all(asked))];
  nodes.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const { cluster, clusterId, leader } = here;
  output.result({ cluster, clusterId, leader, nodes }, () => {
    output.facts([
      ['cluster', clusterId === undefined ? cluster : `${cluster} (${clusterId})`],
      ['leader', leader.elected && `${leader.elected.nodeId}, token ${leader.elected.token}`],
      ['log led by', leader.replicating && `${leader.replicating.nodeId}, term ${leader.replicating.term}`],
    ]);
    output.line('');
    output.table(columns, nodes);
  });
}

/** Others are given no longer to answer. */
const STATUS_MS = 3000;

const STATE_STYLE: Readonly<Record<string, Style>> = { alive: 'green', suspect: 'yellow', unreachable: 'red' };

const memberColumns: readonly Column<MemberReport>[] = [
  { name: 'node', of: ({ nodeId }) => nodeId },
  {
    name: 'state',
    of: ({ membership }) => membership?.state ?? 'unknown',
    style: ({ membership }) => STATE_STYLE[membership?.state ?? ''],
  },
  { name: 'for', of: ({ membership }) => membership && span(membership.forMs) },
  { name: 'address', of: ({ membership }) => membership?.address },
  { name: 'zone', of: ({ membership }) => membership?.zone },
  { name: 'vote', of: ({ raft }) => raft?.role },
  { name: 'becomes', of: ({ raft }) => (raft === undefined || raft.role === raft.wants ? undefined : raft.wants) },
  { name: 'metadata', of: ({ membership }) => shownMetadata(membership?.metadata) },
];

function shownMetadata(metadata: Readonly<Record<string, string>> = {}): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

export async function members({ node, timeoutMs }: Connection, output: Output): Promise<void> {
  const all = await node.members({ timeoutMs });
  output.result({ members: all }, () => output.table(memberColumns, all));
}

export async function leader({ node, timeoutMs }: Connection, output: Output): Promise<void> {
  const { elected, replicating } = await node.leader({ timeoutMs });
  output.result({ elected, replicating }, () => {
    if (elected === undefined && replicating === undefined) return output.line('no leader is known');
    output.facts([
      ['leader', elected && `${elected.nodeId}, token ${elected.token}`],
      ['log led by', replicating && `${replicating.nodeId}, term ${replicating.term}`],
    ]);
  });
}
