import type {
  Address,
  ClusterNode,
  FailureReason,
  GossipTopic,
  LeaveReason,
  Member,
  MemberState,
  NodeId,
  Random,
  RumourVerdict,
} from '@quorate/core';
import type { List, Map } from 'immutable';
import type { Packet } from './messages.ts';
import type { SwimSettings } from './settings.ts';

/**
 * Which of two things said of a node is newer: compared by epoch, run and refutation in this order. `run` is the node's
 * own number of its life; a node whose run is lower than what others remember of it (it has no durable storage, or lost
 * it) takes the next epoch. `refutation` counts within a run.
 */
export interface Version {
  readonly epoch: number;
  readonly run: number;
  readonly refutation: number;
}

/** Where a packet goes, and to whom: the seal binds it to the run of the node that is meant. */
export interface Destination {
  readonly id: NodeId;
  /** The run of the node, as in `Member.incarnation`. */
  readonly incarnation: number;
  /** Where the node receives datagrams. */
  readonly address: Address;
}

/** What nodes tell each other of a member, whole: the same for all who know as much. */
export interface StateOfMember extends Destination {
  readonly node: ClusterNode;
  readonly state: MemberState;
  readonly epoch: number;
  readonly refutation: number;
  /** 0 for one that has not met anybody yet. */
  readonly joinOrder: number;
  /** Why it is suspected or unreachable. */
  readonly evidence?: Evidence;
  /**
   * Of this version only what speaks against it was heard: the older one in which the node described itself so. Absent where
   * that is the same.
   */
  readonly describedIn?: Version;
}

/** A member in the table. Frozen; one that changes is another object. It is a `Member`, so the table is the view. */
export interface MemberRecord extends StateOfMember, Member {
  readonly incarnation: number;
  readonly joinOrder: number;
  /** It was gone before this node heard of it. Not told to others, or some would always have just heard of it. */
  readonly isHearsay?: true;
}

/**
 * What speaks against a node. `silent`: nothing came back. `stalled`: its kernel accepts connections, but nobody answers.
 * `refused`: its machine answers, and nobody listens. `closed`: its connection ended without a farewell.
 */
export type Evidence = 'silent' | 'stalled' | 'refused' | 'closed';

/** How a probe over a stream ended: answered; accepted, but not answered in time; refused; or nothing came back. */
export type StreamOutcome = 'acknowledged' | 'accepted' | 'refused' | 'unanswered';

export type SwimChange =
  | { readonly type: 'joined' | 'updated'; readonly member: MemberRecord }
  | { readonly type: 'suspected' | 'failed'; readonly member: MemberRecord; readonly reason: FailureReason }
  | { readonly type: 'left'; readonly member: MemberRecord; readonly reason: LeaveReason }
  /** `remembered`: it was gone already when this node first heard of it. `forgotten`: it is no longer in the table. */
  | { readonly type: 'remembered' | 'forgotten'; readonly member: MemberRecord };

/** Two living nodes carry one id. The one at `holder` stays a member, the one at `claimant` doesn't become one. */
export interface IdConflict {
  readonly id: NodeId;
  readonly holder: Address;
  readonly claimant: Address;
}

/** What was heard and not believed. */
type SwimRefusal = 'too-many-members';

/** What the machine has done by the world. Every call is made from within a call of the machine. */
export interface SwimHost {
  /** Sends a datagram, or loses it. The packet is frozen, and may be held. */
  send(to: Destination, packet: Packet): void;
  /** Probes the node's transport; the answer is told by `streamProbed` with the same sequence, or never. */
  probeStream(to: MemberRecord, sequence: number, timeoutMs: number): void;
  /** The table has changed: `members` shows it already. */
  changed(change: SwimChange): void;
  /** `claimant` is this node itself if it is the one that isn't let in. Told again no more often than now and then. */
  conflict(conflict: IdConflict): void;
  refused(reason: SwimRefusal, id: NodeId): void;
  /** A rumour of others has come, not for the first time perhaps. Doesn't throw. */
  rumour(topic: GossipTopic, payload: Uint8Array): RumourVerdict;
  /** How late timers have run of late: it is told with each acknowledgement, and keeps this node from blaming others. */
  loopDelayMs(): number;
  /** A member has answered a probe itself, so long after the first ping. @default nobody wants to know */
  probed?(roundTripMs: number): void;
  /** A majority of the living has acknowledged the leave; at once where there are none. Once. */
  leaveAcknowledged(): void;
}

/** This node as it begins. */
export interface SwimSelf {
  readonly node: ClusterNode;
  /** Of this run; the pure machine never changes it. */
  readonly incarnation: number;
  /** Where it receives datagrams. @default the node's own address */
  readonly address?: Address;
}

export interface SwimOptions {
  readonly settings: SwimSettings;
  readonly self: SwimSelf;
  readonly random: Random;
  readonly host: SwimHost;
  /** A table that many machines of one process begin with and share; it names this node. @default this node alone */
  readonly base?: SwimBase;
}

/** A table to begin with. Persistent: who changes it shares what stays. */
export interface SwimBase {
  readonly members: Map<NodeId, MemberRecord>;
  /** The same ids, in any order: places in it are drawn at random. */
  readonly order: List<NodeId>;
  /** How many of them are alive or suspect. */
  readonly living: number;
  readonly highestJoinOrder: number;
}

/** Counted from the start on. */
export interface SwimStats {
  readonly probes: number;
  readonly indirectProbes: number;
  readonly streamProbes: number;
  readonly failedProbes: number;
  /** Suspicions that this node raised itself. */
  readonly suspicions: number;
  readonly confirmations: number;
  /** Times that this node heard itself suspected or called dead, and told otherwise. */
  readonly refutations: number;
  /** Gaps in which this node itself stood still. */
  readonly pauses: number;
  /** Rumours that were dropped by a full queue. */
  readonly droppedRumours: number;
}
