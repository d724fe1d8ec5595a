import type { ClusterEvents, ClusterStatus } from './cluster.ts';
import { CLUSTER_ERROR_CODES, type ClusterError } from './cluster-error.ts';
import type { Emitter } from './events.ts';
import type { MembershipView, MemberState } from './membership.ts';
import type { Counter, InstrumentAbout, Telemetry } from './telemetry.ts';

const about = {
  status: {
    name: 'quorate.cluster.status',
    unit: '{node}',
    description: 'What the node does: 1 for the state that it is in, 0 for the others',
  },
  members: {
    name: 'quorate.cluster.members',
    unit: '{member}',
    description: 'Members by state, this node among them, as it sees them',
  },
  joins: { name: 'quorate.cluster.members.joined', unit: '{event}', description: 'How often a member joined' },
  failures: {
    name: 'quorate.cluster.members.failed',
    unit: '{event}',
    description: 'How often a member came to count as unreachable',
  },
  refusedConnections: {
    name: 'quorate.cluster.connections.refused',
    unit: '{connection}',
    description:
      'Connections that were refused, or ended since what came over them was altered or broke the protocol, by the code of the error',
  },
  refusedDatagrams: {
    name: 'quorate.cluster.datagrams.refused',
    unit: '{datagram}',
    description:
      'Datagrams that were refused, by the code of the error; each reason counts at most once in five seconds',
  },
  errors: {
    name: 'quorate.cluster.errors',
    unit: '{error}',
    description: 'What failed in the background, by the code of the error',
  },
  leader: {
    name: 'quorate.cluster.leader.known',
    unit: '{leader}',
    description: '1 while a leader is known, else 0',
  },
  leaderChanges: {
    name: 'quorate.cluster.leader.changes',
    unit: '{change}',
    description: 'How often this node came to know of another leader, or of none',
  },
  leadership: {
    name: 'quorate.cluster.leadership.held',
    unit: '{grant}',
    description: '1 while this node holds a valid grant of leadership, else 0',
  },
  acquired: {
    name: 'quorate.cluster.leadership.acquired',
    unit: '{grant}',
    description: 'Grants of leadership that this node got',
  },
  lost: {
    name: 'quorate.cluster.leadership.lost',
    unit: '{grant}',
    description: 'Grants of leadership of this node that have ended',
  },
} satisfies Record<string, InstrumentAbout>;

const STATUSES: readonly ClusterStatus[] = ['starting', 'running', 'stopping', 'stopped'];
const MEMBER_STATES: readonly MemberState[] = ['alive', 'suspect', 'unreachable', 'left'];

/** What the instruments of a cluster look at. */
interface Observed {
  readonly status: ClusterStatus;
  readonly view: MembershipView | undefined;
  readonly knowsLeader: boolean;
  readonly isLeader: boolean;
}

/** Measures what a cluster tells: they last as long as the telemetry's scope. */
export function observeCluster(telemetry: Telemetry, events: Emitter<ClusterEvents>, observe: () => Observed): void {
  telemetry.gauge(about.status, (tell) => {
    const { status } = observe();
    for (const each of STATUSES) tell(each === status ? 1 : 0, { 'quorate.cluster.status': each });
  });
  telemetry.gauge(about.members, (tell) => {
    const counts = membersByState(observe().view);
    for (const state of MEMBER_STATES) tell(counts[state], { 'quorate.member.state': state });
  });
  telemetry.gauge(about.leader, (tell) => tell(observe().knowsLeader ? 1 : 0));
  telemetry.gauge(about.leadership, (tell) => tell(observe().isLeader ? 1 : 0));
  count(events, 'nodeJoined', telemetry.counter(about.joins));
  count(events, 'nodeFailed', telemetry.counter(about.failures));
  count(events, 'leaderChanged', telemetry.counter(about.leaderChanges));
  count(events, 'leadershipAcquired', telemetry.counter(about.acquired));
  count(events, 'leadershipLost', telemetry.counter(about.lost));
  countErrors(events, 'connectionRefused', telemetry, about.refusedConnections);
  countErrors(events, 'datagramRefused', telemetry, about.refusedDatagrams);
  countErrors(events, 'error', telemetry, about.errors);
}

function membersByState(view: MembershipView | undefined): Record<MemberState, number> {
  const counts = { alive: 0, suspect: 0, unreachable: 0, left: 0 };
  for (const { state } of view?.members.values() ?? []) counts[state] += 1;
  return counts;
}

function count(events: Emitter<ClusterEvents>, event: keyof ClusterEvents, counter: Counter): void {
  events.on(event, () => counter.add(1));
}

function countErrors<K extends 'connectionRefused' | 'datagramRefused' | 'error'>(
  events: Emitter<ClusterEvents>,
  event: K,
  telemetry: Telemetry,
  instrument: InstrumentAbout,
): void {
  const counters = new Map(
    CLUSTER_ERROR_CODES.map((code) => [code, telemetry.counter(instrument, { 'error.type': code })]),
  );
  events.on(event, ({ error }: { readonly error: ClusterError }) => counters.get(error.code)?.add(1));
}
