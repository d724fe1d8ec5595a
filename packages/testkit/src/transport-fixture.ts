import type { Address, ClusterIdentity, Plugin, Transport, TransportContext, TransportEvent } from '@quorate/core';
import type { World } from '@quorate/simulator';

import { type RefusedOptions } from './lifecycle.ts';
import { testIdentity, transportContext } from './node-context.ts';
import type { Harness } from './suite.ts';
import type { Machine, TestBed } from './test-bed.ts';

/** How to test a transport. */
export interface TransportHarness<N = unknown> extends Harness {
  /** Makes, for one case, what the transports meet in where that is not the net of their machines. */
  readonly network?: (world: World | undefined) => N;
  /** The adapter. Its delays between attempts should be short where it runs on a real machine. */
  readonly create: (network: N) => Plugin<Transport, 'transport'>;
  /**
   * `visible`: the faults of simulated links reach one-way messages on purpose, so that protocols can be tried beyond
   * what a transport promises.
   * @default 'masked'
   */
  readonly messageFaults?: 'masked' | 'visible';
  /**
   * Streams are secured: a node that has the keys of another cluster is refused before anybody has said why.
   * @default false
   */
  readonly isSecured?: boolean;
  /**
   * Whether the transport has `describe`.
   * @default true
   */
  readonly describes?: boolean;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * How soon a peer that can be reached must be connected, and one that can't be must be told lost.
   * @default 90000 in a simulated world, 10000 on a real machine
   */
  readonly noticedWithinMs?: number;
}

/** A transport of a test, and what it told. */
export interface TestNode {
  readonly id: string;
  readonly machine: Machine;
  readonly context: TransportContext;
  readonly transport: Transport;
  /** Everything it told since it was made, in order. */
  readonly events: readonly TransportEvent[];
}

export interface NodeDetails {
  readonly id?: string;
  readonly cluster?: ClusterIdentity;
  readonly incarnation?: number;
  /** Where to bind; another than the machine's own. */
  readonly bind?: Address;
}

/** Kinds of messages that are free for users. */
export const KIND = 2_000;

/** The transports of one case. */
export class TransportFixture<N> implements AsyncDisposable {
  readonly bed: TestBed;
  readonly noticedWithinMs: number;
  readonly #plugin: Plugin<Transport, 'transport'>;
  readonly #nodes: TestNode[] = [];
  /** What `pair` made, for the rules of lifecycle. */
  #a: TestNode | undefined;

  constructor(harness: TransportHarness<N>, bed: TestBed) {
    this.bed = bed;
    // A harness without a network has nothing of type N to tell apart.
    this.#plugin = harness.create(harness.network?.(bed.world) as N);
    this.noticedWithinMs = harness.noticedWithinMs ?? (bed.world === undefined ? 10_000 : 90_000);
  }

  /** A transport that was not started. The machine has its name. */
  make(name: string, { id = name, cluster = testIdentity(), incarnation, bind }: NodeDetails = {}): TestNode {
    const machine = this.bed.machine(name);
    const plain = transportContext(machine, { id, cluster, incarnation: incarnation ?? this.#nextIncarnation() });
    const context = bind === undefined ? plain : { ...plain, bind, self: { ...plain.self, ...bind } };
    const transport = this.#plugin.create(context);
    const events: TransportEvent[] = [];
    void collect(transport.watch(), events);
    const node = { id, machine, context, transport, events };
    this.#nodes.push(node);
    return node;
  }

  async start(name: string, details: NodeDetails = {}): Promise<TestNode> {
    const node = this.make(name, details);
    await node.transport.start();
    return node;
  }

  /** Two nodes, connected. */
  async pair(details: NodeDetails = {}): Promise<readonly [TestNode, TestNode]> {
    const a = await this.start('a', details);
    const b = await this.start('b', details);
    await this.connect(a, b);
    this.#a = a;
    return [a, b];
  }

  /** The first of the pair. */
  get a(): TestNode {
    if (this.#a === undefined) throw new Error('there is no pair yet');
    return this.#a;
  }

  /** Makes one dial the other, and waits until both are connected. */
  async connect(dialler: TestNode, other: TestNode): Promise<void> {
    dialler.transport.addContact(other.transport.self);
    await this.connected(dialler, other);
  }

  connected(one: TestNode, other: TestNode): Promise<void> {
    const both = () => isConnected(one, other.id) && isConnected(other, one.id);
    return this.bed.until(`${one.id} and ${other.id} to be connected`, both, this.noticedWithinMs);
  }

  /** Waits for what a node tells, and returns the first such. */
  async told<T extends TransportEvent['type']>(
    node: TestNode,
    type: T,
    matches: (event: Extract<TransportEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<TransportEvent, { type: T }>> {
    const find = () => eventsOf(node, type).find(matches);
    await this.bed.until(`${node.id} to tell "${type}"`, () => find() !== undefined, this.noticedWithinMs);
    return find() as Extract<TransportEvent, { type: T }>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.bed.world?.heal();
    for (const { machine, transport, context } of this.#nodes) {
      const { host } = machine;
      host?.resume();
      // Of a process that was crashed nothing can be awaited.
      const lives = host === undefined || (host.running && context.clock === machine.clock);
      if (lives) await transport[Symbol.asyncDispose]();
    }
  }

  #nextIncarnation(): number {
    return this.#nodes.length + 1;
  }
}

export function isConnected(node: TestNode, peerId: string): boolean {
  return node.transport.peer(peerId)?.state === 'connected';
}

export function eventsOf<T extends TransportEvent['type']>(
  node: TestNode,
  type: T,
): readonly Extract<TransportEvent, { type: T }>[] {
  return node.events.filter((event): event is Extract<TransportEvent, { type: T }> => event.type === type);
}

/** Bytes that tell their number. */
export function numbered(number: number, length = 8): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

async function collect<T>(values: AsyncIterable<T>, into: T[]): Promise<void> {
  for await (const value of values) into.push(value);
}
