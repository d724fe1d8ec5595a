/** No node: the leader while none is known, the vote while none is cast. Ids of nodes are positive integers. */
export const NONE = 0;
/** To whom `StorageAppend` messages go: the part of this process that writes the log. Not a node. */
export const LOCAL_APPEND_THREAD = -1;
/** To whom `StorageApply` messages go: the part of this process that applies entries. Not a node. */
export const LOCAL_APPLY_THREAD = -2;

/** What an entry's data mean: the state machine's own, or a change of the configuration (of one node, of several). */
export type EntryType = 'normal' | 'conf-change' | 'conf-change-v2';

/** One position of the log. Never mutated once made; `data` neither. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What must be durable before a node answers: one record, written as a whole. */
export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`, or `NONE`. */
  readonly vote: number;
  /** May lag behind on disk: it is learnt again. */
  readonly commit: number;
}

/** What a node is in its group. A pre-candidate asks whether it could win before it raises the term. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What is worth showing and routing by, but need not be durable. */
export interface SoftState {
  /** The leader of this term as far as known, or `NONE`. */
  readonly leader: number;
  readonly role: Role;
}

/** Who votes and who only listens, as stored in snapshots. */
export interface ConfState {
  readonly voters: readonly number[];
  /** The outgoing half of a joint configuration; empty otherwise. */
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly number[];
  /** Whether the leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
}

/** Where in the log a snapshot stands, and who was a member there. */
export interface SnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** The state machine's state up to an index, or a handle to it: `data` is the host's business alone. */
export interface Snapshot {
  readonly metadata: SnapshotMetadata;
  readonly data: Uint8Array;
}

/** What nodes say to each other, and (the last groups) what a node says to itself and to its own storage. */
export type MessageType =
  | 'App'
  | 'AppResp'
  | 'Vote'
  | 'VoteResp'
  | 'PreVote'
  | 'PreVoteResp'
  | 'Snap'
  | 'Heartbeat'
  | 'HeartbeatResp'
  | 'Prop'
  | 'TimeoutNow'
  | 'TransferLeader'
  | 'ForgetLeader'
  | 'ReadIndex'
  | 'ReadIndexResp'
  | 'Hup'
  | 'Beat'
  | 'CheckQuorum'
  | 'Unreachable'
  | 'SnapStatus'
  | 'StorageAppend'
  | 'StorageAppendResp'
  | 'StorageApply'
  | 'StorageApplyResp';

/**
 * Every message has the same fields, those without meaning being 0, false or empty: one shape is what makes
 * engines fast, and one codec enough. A message is never mutated once made, except by its maker before it is out.
 */
export interface Message {
  readonly type: MessageType;
  readonly to: number;
  readonly from: number;
  /** The sender's; of a vote asked for: the term it is for. 0 in messages that never leave the process. */
  readonly term: number;
  /** Term of the entry at `index`, where the message speaks of one. */
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** In `StorageAppend` only: the vote to make durable. */
  readonly vote: number;
  readonly reject: boolean;
  /** With a rejected append: the last index at which the follower's log may agree with the leader's. */
  readonly rejectHint: number;
  /** Of reads and heartbeats: the read asked for. Of votes: `CAMPAIGN_TRANSFER` or nothing. */
  readonly context: Uint8Array | undefined;
  readonly snapshot: Snapshot | undefined;
  /** In messages to storage: what to deliver once they are carried out, in this order. */
  readonly responses: readonly Message[];
}

/** A read that may be answered from the state machine as soon as `index` is applied. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/** What there is to do now. See the package documentation for the order. */
export interface Ready {
  /** Present when it changed. */
  readonly softState: SoftState | undefined;
  /** Present when it changed. To be made durable together with `entries`. */
  readonly hardState: HardState | undefined;
  readonly readStates: readonly ReadState[];
  /** To be appended to the durable log, cutting off what is there from the first one's index on. */
  readonly entries: readonly Entry[];
  /** To be made durable before `entries`, replacing the whole log. */
  readonly snapshot: Snapshot | undefined;
  /** To be applied to the state machine. */
  readonly committedEntries: readonly Entry[];
  /** To be sent; without asynchronous storage writes: once entries and hard state are durable. */
  readonly messages: readonly Message[];
  /** Whether hard state and entries must be on disk, not just on their way, before anything is acknowledged. */
  readonly mustSync: boolean;
}
