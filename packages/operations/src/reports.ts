import type { ClusterStatus, MemberState, NodeId } from '@quorate/core';

/** Which operations a node takes: those that change nothing, or all. */
export type Allowed = 'read-only' | 'all';

/** Who leads, in the eyes of the node that is asked. */
export interface LeaderReport {
  /** Of the election; its token in decimal. */
  readonly elected?: { readonly nodeId: NodeId; readonly token: string };
  /** Of the replicated log. */
  readonly replicating?: { readonly nodeId: NodeId; readonly term: number };
}

/** Of the replicated log, on one node. */
export interface ReplicationReport {
  /** Absent while it doesn't take part: `problem` says why. Then the numbers are 0. */
  readonly role?: 'leader' | 'follower' | 'candidate' | 'learner';
  readonly leader?: NodeId;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Of the leader only. */
  readonly peers: readonly { readonly nodeId: NodeId; readonly matchIndex: number; readonly lag: number }[];
  /** Of a Raft group: how far it is on this node. */
  readonly phase?: string;
  /** Why this node doesn't take part, or its state machine has stopped. */
  readonly problem?: string;
}

/** One node, as it sees itself. */
export interface StatusReport {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly cluster: string;
  readonly clusterId?: string;
  readonly status: ClusterStatus;
  readonly allow: Allowed;
  /** How long it has run, in milliseconds. */
  readonly runningMs: number;
  /** Whether it holds a valid grant of the election. */
  readonly isLeader: boolean;
  readonly leader: LeaderReport;
  readonly replication?: ReplicationReport;
}

/** A node as membership and the Raft group have it. At least one of `membership` and `raft` is there. */
export interface MemberReport {
  readonly nodeId: NodeId;
  /** Of those that membership knows. */
  readonly membership?: {
    readonly state: MemberState;
    readonly address: string;
    readonly incarnation: number;
    /** How long it has been in this state, in milliseconds. */
    readonly forMs: number;
    readonly zone?: string;
    /** What the node says of itself. */
    readonly metadata?: Readonly<Record<string, string>>;
  };
  readonly raft?: { readonly role: 'voter' | 'learner'; readonly wants: 'voter' | 'learner' };
}

/** All who are known to a node. */
export interface MembersReport {
  /** In order of id. */
  readonly members: readonly MemberReport[];
  /** Whether there are others behind the last of these. */
  readonly hasMore: boolean;
}

/** What a node tells of itself and the others. */
export interface EventReport {
  /** Each one more than the one before, in one run of a node. */
  readonly number: number;
  /** How long ago it was when the answer was made, in milliseconds. */
  readonly agoMs: number;
  readonly type: EventType;
  readonly nodeId?: NodeId;
  /** In words; what strangers chose in it is fit to be shown. */
  readonly text: string;
}

/** What an event is about. */
export type EventType =
  | 'joined'
  | 'updated'
  | 'suspected'
  | 'failed'
  | 'left'
  | 'leader'
  | 'leadership-acquired'
  | 'leadership-lost'
  | 'replication'
  | 'refused'
  | 'status'
  | 'error';

/** Events of a node, in order, and where to go on. */
export interface EventsReport {
  /** Of this run of the node. */
  readonly session: string;
  /** In order, and none missing but those that are `lost`. */
  readonly events: readonly EventReport[];
  /** To be given as `after` next. */
  readonly last: number;
  /** How many there were behind `after` that are not kept any more. */
  readonly lost: number;
  /** Whether `after` was of another run: then what was between is not known, and these are all of this run that are kept. */
  readonly isOtherSession: boolean;
}
