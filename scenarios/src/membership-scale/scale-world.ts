import type { ClusterNode, NodeId, Random } from '@quorate/core';
import { type Seed, seededRandom } from '@quorate/simulator';
import {
  type Destination,
  type MemberRecord,
  type Packet,
  packetBytes,
  type SwimChange,
  type SwimSettings,
} from '@quorate/membership-swim/protocol';
import { EventHeap } from './event-heap.ts';
import { LossyNetwork, type NetworkOptions } from './lossy-network.ts';
import { RunHash } from './run-hash.ts';
import { type NodeSurroundings, ScaleNode } from './scale-node.ts';
import { sharedBase } from './shared-base.ts';

export interface ScaleWorldOptions {
  readonly size: number;
  readonly seed: Seed;
  readonly settings: SwimSettings;
  readonly network: NetworkOptions;
  /**
   * Between two times at which tables come to share what they have alike: ten thousand, each of its own, would not fit into
   * memory. Nothing else depends on it.
   * @default 2000
   */
  readonly sharingMs?: number;
  /** Told of each change that any node sees. */
  readonly onChange: (observer: ScaleNode, change: SwimChange) => void;
}

/** What all nodes together sent. */
export interface Traffic {
  readonly datagrams: number;
  /** As sealed, without the headers of UDP and IP. */
  readonly datagramBytes: number;
  readonly streamProbes: number;
  /** Of exchanges of whole tables, both ways. */
  readonly exchangeBytes: number;
}

/** As memberlist does: where more than these know each other, whole tables are exchanged less often. */
const EXCHANGE_SCALES_ABOVE = 32;
const DEFAULT_SHARING_MS = 2000;
const EXCHANGE_INTERVAL_MS = 30_000;
/** Of a sealed datagram: header, authentication tag, and the sender but for its id. */
const SEAL_BYTES = 26 + 16 + 9;

/** Thousands of nodes that know each other from the start, in one thread, on one heap of events. */
export class ScaleWorld implements NodeSurroundings {
  now = 0;
  readonly nodes: ScaleNode[] = [];
  readonly random: Random;
  readonly hash: RunHash = new RunHash();

  readonly #options: ScaleWorldOptions;
  readonly #byId = new Map<NodeId, ScaleNode>();
  readonly #events = new EventHeap<() => void>();
  readonly #network: LossyNetwork;
  readonly #bytesPerState: number;
  #isCut = false;
  #datagrams = 0;
  #datagramBytes = 0;
  #streamProbes = 0;
  #exchangeBytes = 0;

  constructor(options: ScaleWorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed, 'scenario');
    this.#network = new LossyNetwork(options.network, seededRandom(options.seed, 'network'));
    const described = Array.from({ length: options.size }, (_, index) => describe(index));
    const base = sharedBase(described);
    this.#bytesPerState = base.bytesPerState;
    for (const node of described) this.#add(node, base.base);
    this.#shareNowAndThen(options.sharingMs ?? DEFAULT_SHARING_MS);
    // Not all at one moment, as they would in no cluster.
    for (const node of this.nodes) {
      this.at(this.random.next() * options.settings.probeIntervalMs, () => node.start());
      this.#exchangeNowAndThen(node);
    }
  }

  get traffic(): Traffic {
    return {
      datagrams: this.#datagrams,
      datagramBytes: this.#datagramBytes,
      streamProbes: this.#streamProbes,
      exchangeBytes: this.#exchangeBytes,
    };
  }

  at(time: number, run: () => void): void {
    this.#events.add(time, run);
  }

  runUntil(time: number, isDone: () => boolean = () => false): void {
    while (this.#events.nextAt <= time && !isDone()) {
      this.now = this.#events.nextAt;
      this.#events.take()();
    }
    if (!isDone()) this.now = time;
  }

  /** Of the next that joins. */
  get nextId(): NodeId {
    return describe(this.nodes.length).id;
  }

  node(id: NodeId): ScaleNode {
    return this.#byId.get(id) as ScaleNode;
  }

  isUp(id: NodeId): boolean {
    return this.#byId.get(id)?.isUp === true;
  }

  /** One that nobody knows yet starts, and meets one of the others. */
  join(): ScaleNode {
    const contact = this.anyNode();
    const joiner = this.#add(describe(this.nodes.length));
    joiner.start();
    this.#exchange(joiner, contact);
    return joiner;
  }

  /** From now on nodes at even and at odd places don't hear each other. */
  cutInHalves(): void {
    this.#isCut = true;
  }

  isCut(one: ScaleNode, other: ScaleNode): boolean {
    return this.#isCut && (one.index - other.index) % 2 !== 0;
  }

  /** One that lives. */
  anyNode(): ScaleNode {
    for (;;) {
      const node = this.nodes[this.random.int(this.nodes.length)] as ScaleNode;
      if (node.isUp) return node;
    }
  }

  sent(from: ScaleNode, to: Destination, packet: Packet): void {
    this.#datagrams += 1;
    this.#datagramBytes += packetBytes(packet) + SEAL_BYTES + from.node.id.length;
    const target = this.#byId.get(to.id) as ScaleNode;
    this.hash.mix(from.index);
    this.hash.mix(target.index);
    this.hash.mix(Math.round(this.now * 1000));
    if (this.#network.isLost() || this.isCut(from, target)) return;
    this.at(this.now + this.#network.delayMs(), () => {
      if (target.isUp) target.receive(packet, from.node);
    });
  }

  /** What the target's kernel does it does also for a program that stands still. */
  probed(from: ScaleNode, to: MemberRecord, sequence: number, timeoutMs: number): void {
    this.#streamProbes += 1;
    const target = this.#byId.get(to.id) as ScaleNode;
    const deadline = this.now + timeoutMs;
    let outcome: 'unanswered' | 'accepted' | 'told' = 'unanswered';
    const tell = (what: 'acknowledged' | 'refused') => {
      if (outcome === 'told' || this.now > deadline) return;
      outcome = 'told';
      from.streamProbed(sequence, what);
    };
    this.at(this.now + this.#network.connectMs(), () => {
      if (target.life === 'silent' || this.isCut(from, target)) return;
      if (target.life === 'killed') return tell('refused');
      if (this.now <= deadline) outcome = 'accepted';
      target.whenRunning(() => this.at(this.now + this.#network.exchangeMs(), () => tell('acknowledged')));
    });
    this.at(deadline, () => {
      if (outcome === 'told') return;
      from.streamProbed(sequence, outcome);
      outcome = 'told';
    });
  }

  changed(observer: ScaleNode, change: SwimChange): void {
    this.#options.onChange(observer, change);
  }

  #add(node: ClusterNode, base?: ReturnType<typeof sharedBase>['base']): ScaleNode {
    const index = this.nodes.length;
    const random = seededRandom(this.#options.seed, node.id);
    const { settings } = this.#options;
    const added = new ScaleNode({ index, node, settings, random, ...(base !== undefined && { base }) }, this);
    this.nodes.push(added);
    this.#byId.set(node.id, added);
    return added;
  }

  #shareNowAndThen(interval: number): void {
    this.at(this.now + interval, () => {
      const common = this.nodes.find(({ isUp }) => isUp)?.machine.members;
      if (common !== undefined) for (const node of this.nodes) node.share(common);
      this.#shareNowAndThen(interval);
    });
  }

  #exchangeNowAndThen(node: ScaleNode): void {
    const doublings = Math.log2(this.#options.size / EXCHANGE_SCALES_ABOVE);
    const interval = EXCHANGE_INTERVAL_MS * (doublings > 0 ? Math.ceil(doublings) + 1 : 1);
    const again = () => {
      node.whenRunning(() => this.#exchange(node, this.#partner(node)));
      if (node.isUp) this.at(this.now + interval, again);
    };
    this.at(this.random.next() * interval, again);
  }

  /** One that the node takes for living. */
  #partner(of: ScaleNode): ScaleNode {
    for (;;) {
      const node = this.nodes[this.random.int(this.nodes.length)] as ScaleNode;
      if (node !== of && of.machine.members.get(node.node.id)?.state === 'alive') return node;
    }
  }

  #exchange(from: ScaleNode, to: ScaleNode): void {
    if (this.isCut(from, to)) return;
    const states = from.machine.capture();
    this.#exchangeBytes += from.machine.members.size * this.#bytesPerState;
    const arrives = this.now + this.#network.connectMs() + this.#network.exchangeMs();
    this.at(arrives, () =>
      to.exchange(states, from, (answer) => {
        this.#exchangeBytes += to.machine.members.size * this.#bytesPerState;
        this.at(this.now + this.#network.exchangeMs(), () => from.merge(answer, to));
      }),
    );
  }
}

function describe(index: number): ClusterNode {
  const id = `node-${String(index).padStart(5, '0')}`;
  return { id, host: `10.0.${index >> 8}.${index & 0xff}`, port: 7946 };
}
