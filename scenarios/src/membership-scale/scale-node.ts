import type { Address, ClusterNode, NodeId, Random, RumourVerdict } from '@quorate/core';
import {
  type Destination,
  type MemberRecord,
  type Packet,
  type StateOfMember,
  type StreamOutcome,
  Swim,
  type SwimBase,
  type SwimChange,
  type SwimHost,
  type SwimSettings,
} from '@quorate/membership-swim/protocol';

/** `killed`: its process is gone and its machine refuses. `silent`: its machine is gone. */
export type Life = 'up' | 'killed' | 'silent';

/** What a node has the world do. */
export interface NodeSurroundings {
  readonly now: number;
  at(time: number, run: () => void): void;
  sent(from: ScaleNode, to: Destination, packet: Packet): void;
  probed(from: ScaleNode, to: MemberRecord, sequence: number, timeoutMs: number): void;
  changed(observer: ScaleNode, change: SwimChange): void;
}

export interface ScaleNodeOptions {
  readonly index: number;
  readonly node: ClusterNode;
  readonly settings: SwimSettings;
  readonly random: Random;
  readonly base?: SwimBase;
}

/** What the kernel keeps for a program that doesn't read: Linux's default for a socket. */
const RECEIVE_BUFFER_BYTES = 212_992;
/** A datagram takes more of it than its own length. */
const BUFFERED_BYTES_PER_DATAGRAM = 2304;
/** A table of ten thousand is gone through for no fewer changes. */
const MIN_UNSHARED = 32;
/** What remains of a delay with each timer that runs in time, as in production. */
const LOOP_DELAY_DECAY = 0.75;

/** One node: the machine that production runs, and in place of sockets and timers the world. */
export class ScaleNode implements SwimHost {
  readonly index: number;
  readonly node: ClusterNode;
  readonly machine: Swim;
  life: Life = 'up';
  /** Infinite in the past while it runs. */
  stalledUntil: number = Number.NEGATIVE_INFINITY;

  readonly #world: NodeSurroundings;
  /** What arrived while it stood still, in order. */
  readonly #backlog: (() => void)[] = [];
  #backlogBytes = 0;
  #tickAt = Number.POSITIVE_INFINITY;
  #loopDelayMs = 0;
  /** Changes of its table since it was shared. */
  #unshared = 0;

  constructor(options: ScaleNodeOptions, world: NodeSurroundings) {
    const { index, node, settings, random, base } = options;
    this.index = index;
    this.node = node;
    this.#world = world;
    const self = { node, incarnation: 1 };
    this.machine = new Swim({ settings, self, random, host: this, ...(base !== undefined && { base }) });
  }

  get isUp(): boolean {
    return this.life === 'up';
  }

  get isStalled(): boolean {
    return this.stalledUntil > this.#world.now;
  }

  start(): void {
    this.machine.start(this.#world.now);
    this.#awaitTick();
  }

  receive(packet: Packet, from: Address): void {
    if (!this.isStalled) return this.#receive(packet, from);
    if (this.#backlogBytes + BUFFERED_BYTES_PER_DATAGRAM > RECEIVE_BUFFER_BYTES) return;
    this.#backlogBytes += BUFFERED_BYTES_PER_DATAGRAM;
    this.#backlog.push(() => this.#receive(packet, from));
  }

  streamProbed(sequence: number, outcome: StreamOutcome): void {
    this.whenRunning(() => this.machine.streamProbed(sequence, outcome, this.#world.now));
  }

  /** Gives what this node knows in return. */
  exchange(states: Iterable<StateOfMember>, from: ScaleNode, answer: (states: Iterable<StateOfMember>) => void): void {
    this.whenRunning(() => {
      const own = this.machine.capture();
      this.machine.merge(states, from.node.id, this.#world.now);
      answer(own);
    });
  }

  merge(states: Iterable<StateOfMember>, from: ScaleNode): void {
    this.whenRunning(() => this.machine.merge(states, from.node.id, this.#world.now));
  }

  /** Its connection to another has ended. */
  examine(id: NodeId): void {
    this.whenRunning(() => this.machine.examine(id, this.#world.now));
  }

  /** Its event loop stands still: nothing runs, and the kernel keeps what arrives. */
  stall(durationMs: number): void {
    const until = this.#world.now + durationMs;
    this.stalledUntil = until;
    this.#world.at(until, () => this.#resume());
  }

  /** Now, or after the standstill. */
  whenRunning(run: () => void): void {
    if (!this.isUp) return;
    if (this.isStalled) {
      this.#backlog.push(run);
      return;
    }
    run();
    this.#awaitTick();
  }

  send(to: Destination, packet: Packet): void {
    this.#world.sent(this, to, packet);
  }

  probeStream(to: MemberRecord, sequence: number, timeoutMs: number): void {
    this.#world.probed(this, to, sequence, timeoutMs);
  }

  /** Has its table share what it has come to have as the others do, if that is worth it. */
  share(common: Swim['members']): void {
    if (this.#unshared < MIN_UNSHARED) return;
    this.#unshared = 0;
    this.machine.share(common);
  }

  changed(change: SwimChange): void {
    this.#unshared += 1;
    this.#world.changed(this, change);
  }

  loopDelayMs(): number {
    return Math.max(this.#loopDelayMs, this.#world.now - this.machine.nextTickAt);
  }

  rumour(): RumourVerdict {
    return { isNews: false };
  }

  conflict(): void {
    throw new Error(`${this.node.id}: ids are unique here`);
  }

  refused(): void {
    throw new Error(`${this.node.id}: all fit here`);
  }

  leaveAcknowledged(): void {}

  #receive(packet: Packet, from: Address): void {
    if (!this.isUp) return;
    this.machine.receive(packet, from, this.#world.now);
    this.#awaitTick();
  }

  /** Timers come before sockets in an event loop: a late tick is seen before what would have explained the silence. */
  #resume(): void {
    if (!this.isUp) return;
    this.#tickIfDue();
    this.#backlogBytes = 0;
    for (const each of this.#backlog.splice(0)) each();
    this.#awaitTick();
  }

  #awaitTick(): void {
    const next = Math.max(this.machine.nextTickAt, this.#world.now);
    if (next >= this.#tickAt) return;
    this.#tickAt = next;
    this.#world.at(next, () => this.#tick(next));
  }

  #tick(due: number): void {
    // An earlier one has taken its place.
    if (this.#tickAt !== due) return;
    this.#tickAt = Number.POSITIVE_INFINITY;
    if (!this.isUp || this.isStalled) return;
    this.#tickIfDue();
    this.#awaitTick();
  }

  /** A timer tells how late it is before it does what is to be done. */
  #tickIfDue(): void {
    const { now } = this.#world;
    const lateMs = now - this.machine.nextTickAt;
    if (lateMs < 0) return;
    this.#loopDelayMs = Math.max(lateMs, this.#loopDelayMs * LOOP_DELAY_DECAY);
    this.machine.tick(now);
  }
}
