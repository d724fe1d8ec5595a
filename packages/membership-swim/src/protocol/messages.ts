import type { Address, GossipTopic, NodeId } from '@quorate/core';
import type { Evidence, StateOfMember, Version } from './types.ts';

/** What one datagram carries. Frozen. */
export interface Packet {
  /** Who sent it, and the sender's run. */
  readonly sender: NodeId;
  readonly run: number;
  readonly messages: readonly Message[];
}

export type Message =
  | Ping
  | Acknowledgement
  | PingRequest
  | Nack
  | LeaveRequest
  | LeaveAnswer
  | Dispute
  | Introduce
  | Vouch
  | Rumour;

/** What is passed on from node to node, a bounded number of times. */
export type Rumour = AliveRumour | SuspectRumour | UnreachableRumour | LeftRumour | UserRumour;

export interface Ping {
  readonly type: 'ping';
  readonly sequence: number;
  /** Who is meant: another node at the same address doesn't answer. */
  readonly target: NodeId;
}

interface Acknowledgement {
  readonly type: 'ack';
  readonly sequence: number;
  /** How late the timers of who answers have run of late. */
  readonly loopDelayMs: number;
}

/** Asks a third node to ping the target, and to answer with its acknowledgement, or with a nack. */
export interface PingRequest {
  readonly type: 'ping-request';
  readonly sequence: number;
  readonly target: NodeId;
  readonly run: number;
  readonly address: Address;
}

/** The third node lives and got no answer either. */
interface Nack {
  readonly type: 'nack';
  readonly sequence: number;
}

interface LeaveRequest {
  readonly type: 'leave';
  readonly sequence: number;
}

interface LeaveAnswer {
  readonly type: 'leave-ack';
  readonly sequence: number;
}

/** Tells a node that another living one holds its id. */
interface Dispute {
  readonly type: 'dispute';
  readonly id: NodeId;
  readonly holder: Address;
}

/** Asks a node that the asker doesn't know, in this run of it, to tell who it is. */
interface Introduce {
  readonly type: 'introduce';
}

/** Who was asked about a member that is doubted, and knows it in this run, has just had an answer of it. */
interface Vouch {
  readonly type: 'vouch';
  readonly id: NodeId;
  readonly run: number;
}

export interface AliveRumour {
  readonly type: 'alive';
  readonly member: StateOfMember;
}

/** The same of one member by another witness is independent of it. */
export interface SuspectRumour extends Version {
  readonly type: 'suspect';
  readonly id: NodeId;
  readonly by: NodeId;
  readonly evidence: Evidence;
  /** Said to one alone, and never passed on: to see for itself, at once; or what it has seen, when asked. */
  readonly aside?: 'question' | 'answer';
}

export interface UnreachableRumour extends Version {
  readonly type: 'unreachable';
  readonly id: NodeId;
  readonly by: NodeId;
  readonly evidence: Evidence;
}

export interface LeftRumour extends Version {
  readonly type: 'left';
  readonly id: NodeId;
}

export interface UserRumour {
  readonly type: 'user';
  readonly topic: GossipTopic;
  readonly payload: Uint8Array;
}
