import {
  type Address,
  checkBytes,
  type ClusterNode,
  type GossipTopic,
  invalidOption,
  MAX_RUMOUR_BYTES,
  type MonotonicMs,
  type NodeId,
} from '@quorate/core';
import type { Map } from 'immutable';
import { Accusations } from './accusations.ts';
import { Beliefs } from './beliefs.ts';
import { Changes } from './changes.ts';
import { Claims } from './claims.ts';
import { SwimCore } from './core.ts';
import { Doubts } from './doubts.ts';
import { Gossiper } from './gossiper.ts';
import { Leaving } from './leaving.ts';
import { isLiving, tableOf } from './member-table.ts';
import type { LeftRumour, Message, Packet, Ping, SuspectRumour, UnreachableRumour } from './messages.ts';
import { OwnRecord } from './own-record.ts';
import { Prober } from './prober.ts';
import { Reaper } from './reaper.ts';
import { recordOfSelf } from './records.ts';
import { Relay } from './relay.ts';
import { checkNodeBytes } from './state-codec.ts';
import { Suspicions } from './suspicions.ts';
import type { Destination, MemberRecord, StateOfMember, StreamOutcome, SwimOptions, SwimStats } from './types.ts';
import { UserRumours } from './user-rumours.ts';

/** Time in which who joins hears of all before it takes its place after them. */
const SETTLE_MS = 50;
const INTRODUCE: Message = Object.freeze({ type: 'introduce' });
/** What is answered by a packet of its own, an introduction by one that is five hundred times as long. */
const REQUESTS: ReadonlySet<string> = new Set(['ping', 'ping-request', 'leave', 'introduce', 'question']);

/**
 * The membership protocol as a synchronous machine: SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips,
 * Currey 2018). No promise, no timer, no I/O. Its caller
 *
 * 1. calls `start` once, and `tick` whenever `nextTickAt` has come (read it again after each call of any method),
 * 2. hands over each packet that arrives, and how each stream probe ended, but never from within a call of the host,
 * 3. has two nodes exchange what they `capture` and `merge` it: to join, now and then, and to heal partitions.
 */
export class Swim {
  readonly #core: SwimCore;
  readonly #own: OwnRecord;
  readonly #prober: Prober;
  readonly #relay: Relay;
  readonly #suspicions: Suspicions;
  readonly #accusations: Accusations;
  readonly #doubts: Doubts;
  readonly #beliefs: Beliefs;
  readonly #claims: Claims;
  readonly #gossiper: Gossiper;
  readonly #users: UserRumours;
  readonly #reaper: Reaper;
  #leaving: Leaving | undefined;
  /** When this node is to take its place, once it has met others. */
  #settlesAt: MonotonicMs | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor({ settings, self, random, host, base }: SwimOptions) {
    checkNodeBytes(self.node);
    const { id } = self.node;
    const table = base ?? tableOf([recordOfSelf(self, 0)]);
    const core = new SwimCore({ settings, random, host, base: table, selfId: id, run: self.incarnation });
    this.#core = core;
    this.#own = new OwnRecord(core);
    this.#prober = new Prober(core, {
      whenFailed: (target, evidence) => this.#doubts.begin(target, evidence),
      chargeAgainst: (suspect) => this.#accusations.chargeAgainst(suspect),
    });
    this.#relay = new Relay(core, (to, sequence) => this.#prober.ping(to, sequence));
    this.#suspicions = new Suspicions(core, {
      look: (suspect, whenOver) => this.#accusations.look(suspect, whenOver),
      giveUp: (suspect, evidence) => this.#accusations.giveUp(suspect, evidence),
    });
    const changes = new Changes(core, this.#suspicions);
    const parts = { core, own: this.#own, prober: this.#prober, suspicions: this.#suspicions, changes };
    this.#accusations = new Accusations(parts);
    this.#doubts = new Doubts({ ...parts, accusations: this.#accusations });
    this.#claims = new Claims(core, this.#prober);
    this.#beliefs = new Beliefs({ ...parts, accusations: this.#accusations, claims: this.#claims });
    this.#gossiper = new Gossiper(core);
    this.#users = new UserRumours(core);
    this.#reaper = new Reaper(core, changes);
    core.whenQueued = () => this.#gossiper.wake();
  }

  /** Everybody known, this node included. Immutable: each change makes another. */
  get members(): Map<NodeId, MemberRecord> {
    return this.#core.table.members;
  }

  /** Has its table share what is the same in another's: for thousands in one process. What it does stays the same. */
  share(common: Map<NodeId, MemberRecord>): void {
    this.#core.table.share(common);
  }

  get self(): MemberRecord {
    return this.#core.self;
  }

  /** How many live as far as is known, this node and the suspects included. */
  get size(): number {
    return this.#core.table.living;
  }

  /** 0 is well; each step makes this node slower to blame others. */
  get localHealth(): number {
    return this.#core.health.score;
  }

  /** Infinity before the start. */
  get nextTickAt(): MonotonicMs {
    return this.#core.deadlines.next;
  }

  get stats(): SwimStats {
    return { ...this.#core.stats, droppedRumours: this.#core.queue.dropped };
  }

  start(now: MonotonicMs): void {
    this.#core.now = now;
    this.#own.start();
    this.#gossiper.start();
    this.#prober.start();
    this.#reaper.start();
  }

  tick(now: MonotonicMs): void {
    this.#enter(now);
    this.#core.deadlines.run(now);
  }

  receive(packet: Packet, from: Address, now: MonotonicMs): void {
    this.#enter(now);
    this.#core.heard(packet.sender);
    const sender: Destination = { id: packet.sender, incarnation: packet.run, address: from };
    const asked = new Set<string>();
    for (const message of packet.messages) {
      const kind = (message.type === 'suspect' ? message.aside : undefined) ?? message.type;
      // Nobody asks twice in one packet, but who would have it answered by hundreds.
      if (asked.has(kind)) continue;
      if (REQUESTS.has(kind)) asked.add(kind);
      this.#handle(message, sender, packet);
    }
  }

  streamProbed(sequence: number, outcome: StreamOutcome, now: MonotonicMs): void {
    this.#enter(now);
    this.#prober.streamProbed(sequence, outcome);
  }

  /** Probes a member at once: something speaks against it (its connection closed). */
  examine(id: NodeId, now: MonotonicMs): void {
    this.#enter(now);
    const known = this.#core.table.get(id);
    if (known === undefined || id === this.#core.selfId || this.#own.isLeaving) return;
    if (isLiving(known.state)) this.#prober.examine(known);
  }

  /**
   * What this node knows, for another to merge: a snapshot, at no cost. To be read once.
   * @param to who gets it, and hears what it would be the last to hear: that it is gone
   */
  capture(to?: NodeId): Iterable<StateOfMember> {
    return withoutHearsay(this.#core.table.members, to);
  }

  /** Takes over what another node captured, or a part of it. `from` is whose it is. */
  merge(states: Iterable<StateOfMember>, from: NodeId, now: MonotonicMs): void {
    this.#enter(now);
    for (const state of states) this.#beliefs.merge(state, from);
    if (!this.#own.hasJoined && this.#core.table.living > 1) this.#settle(from);
  }

  /** False when too many rumours of users are queued. */
  spread(topic: GossipTopic, payload: Uint8Array, now: MonotonicMs, key?: string): boolean {
    checkPayload(payload);
    this.#enter(now);
    return this.#users.spread(topic, payload, key);
  }

  /** A rumour for one member alone, once. False when it isn't known to live. */
  tell(to: NodeId, topic: GossipTopic, payload: Uint8Array): boolean {
    checkPayload(payload);
    const member = this.#core.table.get(to);
    if (member === undefined || !isLiving(member.state)) return false;
    this.#core.post(member, [Object.freeze({ type: 'user', topic, payload })]);
    return true;
  }

  /**
   * This node describes itself anew.
   * @throws ClusterError `INVALID_OPTIONS` when that takes more than `MAX_NODE_BYTES_IN_GOSSIP`
   */
  describe(node: ClusterNode, now: MonotonicMs): void {
    checkNodeBytes(node);
    this.#enter(now);
    this.#own.describe(node);
  }

  /** Tells all that this node leaves, again and again until a majority has acknowledged; then `leaveAcknowledged`. */
  leave(now: MonotonicMs): void {
    this.#enter(now);
    if (this.#leaving !== undefined) return;
    this.#own.isLeaving = true;
    this.#prober.stop();
    this.#leaving = new Leaving(this.#core);
    this.#leaving.start();
  }

  /** A tick that comes much too late tells that this node stood still: it is the last to accuse anybody. */
  #enter(now: MonotonicMs): void {
    const { deadlines, settings, health, stats } = this.#core;
    // What arrived in the same pause is read before the next tick: the pause is one.
    const lateMs = now - Math.max(deadlines.next, this.#pausedUntil);
    this.#core.now = now;
    if (lateMs <= settings.pauseBoundMs) return;
    this.#pausedUntil = now;
    stats.pauses += 1;
    // Before the looks end: a suspicion that begins anew with that has no gap in it.
    this.#suspicions.postpone(lateMs);
    this.#prober.cancelAll();
    health.change(1);
  }

  #handle(message: Message, sender: Destination, packet: Packet): void {
    switch (message.type) {
      case 'ping':
        return this.#answer(message, sender, packet);
      case 'ack':
        if (this.#relay.acknowledged(message.sequence, sender.id, message.loopDelayMs)) return;
        return this.#prober.acknowledged(message.sequence, sender.id, sender.incarnation, message.loopDelayMs);
      case 'ping-request':
        return this.#relay.request(message, sender);
      case 'nack':
        return this.#prober.nacked(message.sequence, sender.id);
      case 'leave':
        return this.#core.send(sender, [Object.freeze({ type: 'leave-ack', sequence: message.sequence })]);
      case 'leave-ack':
        return this.#leaving?.acknowledged(message.sequence, sender.id);
      case 'dispute':
        return this.#claims.disputed(message.id, message.holder);
      case 'vouch':
        return this.#doubts.vouched(message.id, message.run, sender.id);
      case 'introduce':
        return this.#introduce(sender);
      case 'alive':
        return this.#beliefs.alive(message, sender.id);
      case 'suspect':
        return this.#doubts.heard(message, sender.id);
      case 'unreachable':
        return this.#accusations.unreachable(message);
      case 'left':
        return this.#accusations.left(message, sender.id);
      case 'user':
        return this.#users.heard(message);
    }
  }

  #answer({ sequence, target }: Ping, sender: Destination, packet: Packet): void {
    const { selfId, host } = this.#core;
    if (target !== selfId) return;
    const answer: Message = Object.freeze({ type: 'ack', sequence, loopDelayMs: Math.round(host.loopDelayMs()) });
    const isAccused = packet.messages.some((each) => isCharge(each) && each.id === selfId);
    const charge = this.#accusations.chargeAgainst(sender.id);
    // Who accuses this node hears its newest version before its answer, whoever else was told of it already.
    const own = isAccused ? [this.#own.rumour()] : [];
    const question = this.#isStranger(sender) ? [INTRODUCE] : [];
    const about = charge === undefined ? question : [charge, ...question];
    this.#core.send(sender, [...own, ...about, answer]);
  }

  /** Somebody that this node has pinged has never heard of it: whatever was to tell it got lost. */
  #introduce(to: Destination): void {
    if (this.#own.hasJoined) this.#core.post(to, [this.#own.rumour()]);
    else if (this.#core.table.living > 1) this.#settle(to.id);
  }

  /** Takes its place soon, when all parts of what `host` knows have come, and tells it so first. */
  #settle(host: NodeId): void {
    const { now } = this.#core;
    if (this.#settlesAt === undefined) {
      this.#settlesAt = now + SETTLE_MS;
      this.#core.after(SETTLE_MS, () => this.#takePlace(host));
    } else if (now >= this.#settlesAt) {
      // Its own time is late, or it would have its place: who isn't ticked is not to stay without one.
      this.#takePlace(host);
    }
  }

  #takePlace(host: NodeId): void {
    this.#own.join();
    const member = this.#core.table.get(host);
    if (member !== undefined) this.#core.post(member, [this.#own.rumour()]);
  }

  /** Whether this run of the node is news here. */
  #isStranger({ id, incarnation }: Destination): boolean {
    const known = this.#core.table.get(id);
    // One without storage may well have a lower number than the run before it.
    return known?.incarnation !== incarnation;
  }
}

function* withoutHearsay(
  members: Map<NodeId, MemberRecord>,
  to: NodeId | undefined,
): Generator<StateOfMember, void, undefined> {
  for (const member of members.values()) {
    // Who is back, and is said to be gone, has to hear it: or it doesn't know that it must say otherwise.
    if (member.isHearsay === undefined || member.id === to) yield member;
  }
}

function isCharge(message: Message): message is SuspectRumour | UnreachableRumour | LeftRumour {
  return message.type === 'suspect' || message.type === 'unreachable' || message.type === 'left';
}

function checkPayload(payload: Uint8Array): void {
  checkBytes('gossip', 'payload', payload);
  const { byteLength } = payload;
  if (byteLength > MAX_RUMOUR_BYTES)
    throw invalidOption('gossip', 'payload', `at most ${MAX_RUMOUR_BYTES} bytes`, byteLength);
}
