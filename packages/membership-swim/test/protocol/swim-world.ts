import {
  type Address,
  type ClusterNode,
  formatAddress,
  type NodeId,
  type Random,
  type RumourVerdict,
} from '@quorate/core';
import { seededRandom } from '@quorate/simulator';
import { decodeStates, encodeStates } from '../../src/protocol/exchange-codec.ts';
import type { Packet } from '../../src/protocol/messages.ts';
import { decodePacket, encodePacket } from '../../src/protocol/packet-codec.ts';
import { DEFAULT_SETTINGS, type SwimSettings } from '../../src/protocol/settings.ts';
import { Swim } from '../../src/protocol/swim.ts';
import type {
  Destination,
  IdConflict,
  MemberRecord,
  StreamOutcome,
  SwimChange,
  SwimHost,
} from '../../src/protocol/types.ts';

export interface WorldOptions {
  readonly seed?: number;
  readonly settings?: Partial<SwimSettings>;
  /** One way, at least and at most. */
  readonly delayMs?: readonly [number, number];
  /** How often each exchanges all with another, at random. 0: never. */
  readonly exchangesEveryMs?: number;
  /** Share of the datagrams that are lost. */
  readonly loss?: number;
  /** The machine to run, where a broken copy is run instead of it. */
  readonly machine?: typeof Swim;
}

/** What a machine of the world is like: well, stopped for a time, its process killed, its host without power. */
type Condition = 'well' | 'stalled' | 'killed' | 'dark';

/** A few machines, a network between them and one time for all; every packet travels as bytes. */
export class SwimWorld {
  readonly random: Random;
  readonly settings: SwimSettings;
  readonly nodes = new Map<string, WorldNode>();
  readonly delayMs: readonly [number, number];
  readonly machine: typeof Swim;
  loss: number;
  now = 0;
  /** Every packet that was sent, for who wants to look. */
  onSent: (from: WorldNode, to: Destination, packet: Packet, bytes: number) => void = () => undefined;
  onChange: (at: WorldNode, change: SwimChange) => void = () => undefined;
  onConflict: (at: WorldNode, conflict: IdConflict) => void = () => undefined;
  onStream: (from: WorldNode, to: MemberRecord, outcome: StreamOutcome) => void = () => undefined;
  onLeft: (at: WorldNode) => void = () => undefined;
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  readonly #exchangesEveryMs: number;
  readonly #cuts = new Set<string>();

  constructor(options: WorldOptions = {}) {
    this.random = seededRandom(options.seed ?? 1, 'swim');
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.delayMs = options.delayMs ?? [1, 1];
    this.loss = options.loss ?? 0;
    this.machine = options.machine ?? Swim;
    this.#exchangesEveryMs = options.exchangesEveryMs ?? 0;
  }

  /** A new process; the name is its own, the id that of its node. */
  start(name: string, options: { readonly id?: NodeId; readonly run?: number; readonly at?: string } = {}): WorldNode {
    const { id = name, run = 1, at = name } = options;
    const node = new WorldNode(this, name, { id, host: `${at}.test`, port: 7000 }, run);
    this.nodes.set(name, node);
    node.swim.start(this.now);
    if (this.#exchangesEveryMs > 0) this.#exchangeNowAndThen(node, this.random.int(this.#exchangesEveryMs));
    return node;
  }

  node(name: string): WorldNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** Both exchange all they know, as over a stream; nothing happens where either doesn't answer. */
  exchange(one: string, other: string): void {
    const [a, b] = [this.node(one), this.node(other)];
    if (!this.#canTalk(a, b)) return;
    const parts = [...encodeStates(a.swim.capture(b.id), 1024)];
    b.swim.merge(read(parts), a.id, this.now);
    a.swim.merge(read([...encodeStates(b.swim.capture(a.id), 1024)]), b.id, this.now);
  }

  /** All of these, knowing each other; a while passes. */
  form(...names: readonly string[]): void {
    for (const name of names) this.start(name);
    const [first = ''] = names;
    for (const name of names.slice(1)) {
      this.exchange(name, first);
      this.run(60);
    }
    this.run(3000);
  }

  cut(one: string, other: string): void {
    this.#cuts.add(pair(one, other));
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const event = this.#events[0]?.at ?? Number.POSITIVE_INFINITY;
      const node = this.#nextToTick();
      const tick = node?.dueAt ?? Number.POSITIVE_INFINITY;
      if (Math.min(event, tick) > end) break;
      this.now = Math.max(this.now, Math.min(event, tick));
      if (event <= tick) this.#events.shift()?.run();
      else node?.swim.tick(this.now);
    }
    this.now = end;
  }

  at(time: number, run: () => void): void {
    const event = { at: time, order: this.#order++, run };
    const place = this.#events.findLastIndex((each) => each.at <= time) + 1;
    this.#events.splice(place, 0, event);
  }

  /** A datagram on its way. */
  carry(from: WorldNode, to: Destination, packet: Packet): void {
    const bytes = encodePacket(packet);
    this.onSent(from, to, packet, bytes.byteLength);
    const receiver = this.#listening(to.address);
    if (receiver === undefined || this.#cuts.has(pair(from.name, receiver.name))) return;
    if (this.random.next() < this.loss) return;
    this.at(this.now + this.#delay(), () => receiver.deliver(bytes, from.address));
  }

  /** A stream probe: a lost segment costs a second. */
  stream(from: WorldNode, to: MemberRecord, timeoutMs: number, told: (outcome: StreamOutcome) => void): void {
    const answer = (outcome: StreamOutcome): void => {
      this.onStream(from, to, outcome);
      told(outcome);
    };
    const peer = this.#listening(to.node);
    const isCut = peer === undefined || this.#cuts.has(pair(from.name, peer.name)) || peer.condition === 'dark';
    let roundTrip = this.#delay() * 4;
    for (let part = 0; part < 4; part += 1) if (this.random.next() < this.loss) roundTrip += 1000;
    const isLate = roundTrip > timeoutMs;
    if (isCut || isLate) return this.at(this.now + timeoutMs, () => answer('unanswered'));
    if (peer.condition === 'killed') return this.at(this.now + roundTrip, () => answer('refused'));
    this.at(this.now + (peer.condition === 'stalled' ? timeoutMs : roundTrip), () => {
      answer(peer.condition === 'stalled' ? 'accepted' : 'acknowledged');
    });
  }

  #exchangeNowAndThen(node: WorldNode, inMs: number): void {
    this.at(this.now + inMs, () => {
      if (node.condition === 'killed' || node.condition === 'dark') return;
      const others = [...this.nodes.values()].filter((each) => each !== node && node.sees(each.id) === 'alive');
      const other = others[this.random.int(Math.max(1, others.length))];
      if (other !== undefined) this.exchange(node.name, other.name);
      this.#exchangeNowAndThen(node, this.#exchangesEveryMs);
    });
  }

  #delay(): number {
    const [least, most] = this.delayMs;
    return least + this.random.next() * (most - least);
  }

  #listening(address: Address): WorldNode | undefined {
    const at = formatAddress(address);
    // Whoever was started last at an address has it.
    return [...this.nodes.values()].findLast((node) => formatAddress(node.address) === at);
  }

  #canTalk(a: WorldNode, b: WorldNode): boolean {
    return a.condition === 'well' && b.condition === 'well' && !this.#cuts.has(pair(a.name, b.name));
  }

  #nextToTick(): WorldNode | undefined {
    let next: WorldNode | undefined;
    for (const node of this.nodes.values()) if (next === undefined || node.dueAt < next.dueAt) next = node;
    return next;
  }
}

export class WorldNode {
  readonly world: SwimWorld;
  readonly name: string;
  readonly address: Address;
  readonly id: NodeId;
  readonly swim: Swim;
  readonly changes: SwimChange[] = [];
  readonly conflicts: IdConflict[] = [];
  readonly rumours: string[] = [];
  hasLeft = false;
  loopDelayMs = 0;
  condition: Condition = 'well';
  #buffered: (() => void)[] = [];

  constructor(world: SwimWorld, name: string, node: ClusterNode, incarnation: number) {
    this.world = world;
    this.name = name;
    this.id = node.id;
    this.address = { host: node.host, port: node.port };
    const { settings, random, machine } = world;
    this.swim = new machine({ settings, random, self: { node, incarnation }, host: this.#host() });
  }

  get dueAt(): number {
    return this.condition === 'well' ? this.swim.nextTickAt : Number.POSITIVE_INFINITY;
  }

  /** What it believes of another: its state, or nothing. */
  sees(id: NodeId): string | undefined {
    return this.swim.members.get(id)?.state;
  }

  kill(): void {
    this.condition = 'killed';
  }

  /** Power is cut: nothing comes back, not even a refusal. */
  darken(): void {
    this.condition = 'dark';
  }

  /** Stands still for so long; its kernel keeps what arrives. */
  stall(ms: number): void {
    if (this.condition !== 'well') return;
    this.condition = 'stalled';
    this.world.at(this.world.now + ms, () => {
      if (this.condition !== 'stalled') return;
      this.condition = 'well';
      // Timers come first, then what has arrived.
      if (this.swim.nextTickAt <= this.world.now) this.swim.tick(this.world.now);
      for (const deliver of this.#buffered.splice(0)) deliver();
    });
  }

  deliver(bytes: Uint8Array, from: Address): void {
    if (this.condition === 'stalled') this.#buffered.push(() => this.deliver(bytes, from));
    if (this.condition !== 'well') return;
    const packet = decodePacket(bytes);
    if (packet === undefined) throw new Error(`${this.name} got what it can't read`);
    this.swim.receive(packet, from, this.world.now);
  }

  #host(): SwimHost {
    const { world } = this;
    return {
      send: (to, packet) => world.carry(this, to, packet),
      probeStream: (to, sequence, timeoutMs) =>
        world.stream(this, to, timeoutMs, (outcome) => {
          if (this.condition === 'well') this.swim.streamProbed(sequence, outcome, world.now);
        }),
      changed: (change) => {
        this.changes.push(change);
        world.onChange(this, change);
      },
      conflict: (conflict) => {
        this.conflicts.push(conflict);
        world.onConflict(this, conflict);
      },
      refused: () => undefined,
      rumour: (topic, payload) => this.#rumour(topic, payload),
      loopDelayMs: () => this.loopDelayMs,
      leaveAcknowledged: () => {
        this.hasLeft = true;
        world.onLeft(this);
      },
    };
  }

  #rumour(topic: number, payload: Uint8Array): RumourVerdict {
    const text = `${topic}:${new TextDecoder().decode(payload)}`;
    if (this.rumours.includes(text)) return { isNews: false };
    this.rumours.push(text);
    return { isNews: true };
  }
}

function read(parts: readonly Uint8Array[]): MemberRecord[] {
  return parts.flatMap((part) => {
    const states = decodeStates(part);
    if (states === undefined) throw new Error('an exchange that cannot be read');
    return states as MemberRecord[];
  });
}

function pair(one: string, other: string): string {
  return [one, other].sort((a, b) => (a < b ? -1 : 1)).join(' ');
}
