import type { Address, ClusterNode, GossipTopic, MonotonicMs, NodeId } from '@quorate/core';
import type { Map } from 'immutable';
import type { Packet } from './messages.ts';
import type { MemberRecord, StateOfMember, StreamOutcome, SwimOptions, SwimStats } from './types.ts';

/**
 * The membership protocol as a synchronous machine: SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips,
 * Currey 2018). No promise, no timer, no I/O. Its caller
 *
 * 1. calls `start` once, and `tick` whenever `nextTickAt` has come (read it again after each call of any method),
 * 2. hands over each packet that arrives, and how each stream probe ended,
 * 3. has two nodes exchange what they `capture` and `merge` it: to join, now and then, and to heal partitions.
 */
export class Swim {
  constructor(options: SwimOptions) {
    throw new Error(`not yet: ${options.self.node.id}`);
  }

  /** Everybody known, this node included. Immutable: each change makes another. */
  declare readonly members: Map<NodeId, MemberRecord>;
  declare readonly self: MemberRecord;
  /** How many live as far as is known, this node and the suspects included. */
  declare readonly size: number;
  /** 0 is well; each step makes this node slower to blame others. */
  declare readonly localHealth: number;
  declare readonly nextTickAt: MonotonicMs;
  declare readonly stats: SwimStats;

  declare start: (now: MonotonicMs) => void;
  declare tick: (now: MonotonicMs) => void;
  declare receive: (packet: Packet, from: Address, now: MonotonicMs) => void;
  declare streamProbed: (sequence: number, outcome: StreamOutcome, now: MonotonicMs) => void;
  /** Probes a member at once: something speaks against it (its connection closed). */
  declare examine: (id: NodeId, now: MonotonicMs) => void;
  /** What this node knows, for another to merge: a snapshot, at no cost. */
  declare capture: () => Iterable<StateOfMember>;
  /** Takes over what another node captured, or a part of it. `from` is whose it is. */
  declare merge: (states: Iterable<StateOfMember>, from: NodeId, now: MonotonicMs) => void;
  /** False when too many rumours of users are queued. */
  declare spread: (topic: GossipTopic, payload: Uint8Array, key?: string) => boolean;
  /** This node describes itself anew. */
  declare describe: (node: ClusterNode, now: MonotonicMs) => void;
  /** Tells all that this node leaves, again and again until a majority has acknowledged; then `leaveAcknowledged`. */
  declare leave: (now: MonotonicMs) => void;
}
