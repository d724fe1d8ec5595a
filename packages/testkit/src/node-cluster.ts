import {
  type ClusterContext,
  connectionMembership,
  type ConsistencyLevel,
  type ContactSink,
  type Membership,
  type MembershipContext,
  type NodeId,
  type Plugin,
  type Storage,
  type Transport,
} from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import type { Host } from '@quorate/simulator';

import { expectDefined } from './expectations.ts';
import { transportContext } from './node-context.ts';
import type { Harness } from './suite.ts';
import type { Machine, TestBed } from './test-bed.ts';

/** A node that lives, with the part under test. */
export interface LiveNode<P> {
  readonly id: NodeId;
  readonly part: P;
  readonly machine: Machine;
  readonly incarnation: number;
  readonly transport: Transport;
  readonly membership: Membership;
  /** In the order in which they are to be disposed of. */
  readonly owned: readonly AsyncDisposable[];
}

/** What nodes are made of beneath the part under test. */
export interface NodeParts {
  /** Called once for each case. */
  readonly transport: () => Plugin<Transport, 'transport'>;
  /** Called once for each node of a case: what it returns is used for every run of that node. */
  readonly storage: (id: NodeId) => Plugin<Storage, 'storage'>;
}

/** A harness of a part whose suite needs nodes. */
export interface NodeHarness extends Harness {
  /**
   * What the nodes are made of beneath the part.
   * @default a transport and storages in memory, which outlive a crash
   */
  readonly nodes?: NodeParts;
}

/** How the part under test stands among the others of a node. */
export type Recipe<P> =
  | { readonly kind: 'membership'; readonly plugin: Plugin<P & Membership, 'membership'> }
  | { readonly kind: 'election'; readonly plugin: Plugin<P, 'election'>; readonly start: (part: P) => Promise<void> }
  | { readonly kind: 'locks'; readonly plugin: Plugin<P, 'locks'>; readonly start: (part: P) => Promise<void> }
  | {
      readonly kind: 'replicator';
      /** Made anew for each run of a node, as each has a state machine of its own. */
      readonly plugin: (id: NodeId) => Plugin<P, 'replicator'>;
      readonly start: (part: P) => Promise<void>;
      readonly consistency: ConsistencyLevel;
    };

/** Nodes that know each other's addresses, each on a machine of its own. */
export class NodeCluster<P extends AsyncDisposable> implements AsyncDisposable {
  readonly ids: readonly NodeId[];
  readonly bed: TestBed;
  readonly #recipe: Recipe<P>;
  readonly #transport: Plugin<Transport, 'transport'>;
  readonly #makeStorage: NodeParts['storage'];
  readonly #storages = new Map<NodeId, Plugin<Storage, 'storage'>>();
  readonly #boots = new Map<NodeId, number>();
  readonly #live = new Map<NodeId, LiveNode<P>>();

  constructor(bed: TestBed, ids: readonly NodeId[], recipe: Recipe<P>, parts: NodeParts = inMemory(bed)) {
    this.bed = bed;
    this.ids = ids;
    this.#recipe = recipe;
    this.#transport = parts.transport();
    this.#makeStorage = parts.storage;
  }

  get live(): readonly LiveNode<P>[] {
    return [...this.#live.values()];
  }

  node(id: NodeId): LiveNode<P> {
    return expectDefined(this.#live.get(id), `node ${id}, running`);
  }

  part(id: NodeId): P {
    return this.node(id).part;
  }

  async startAll(ids: readonly NodeId[] = this.ids): Promise<void> {
    await Promise.all(ids.map((id) => this.start(id)));
  }

  /** Starts a node, for the first time or again: then with the next incarnation, on the same disk. */
  async start(id: NodeId): Promise<void> {
    const incarnation = (this.#boots.get(id) ?? 0) + 1;
    this.#boots.set(id, incarnation);
    const machine = this.bed.machine(id);
    const below = transportContext(machine, { incarnation });
    const plugin = this.#storages.get(id) ?? this.#makeStorage(id);
    this.#storages.set(id, plugin);
    const storage = plugin.create({ ...below, nodeId: id });
    await storage.open();
    const transport = this.#transport.create(below);
    const context = { ...below, storage, transport };
    const membership = this.#makeMembership(context);
    const part = this.#makePart({ ...context, membership }, membership);
    await membership.start();
    // Before the transport, so that its handlers are there when the first message arrives.
    if (this.#recipe.kind !== 'membership') await this.#recipe.start(part);
    await transport.start();
    const parts = [part, membership, transport, storage];
    const owned = parts.filter((own, at) => parts.indexOf(own) === at);
    this.#live.set(id, { id, part, machine, incarnation, transport, membership, owned });
    this.#introduce(id);
  }

  /** Closes a node in order. */
  async stop(id: NodeId): Promise<void> {
    const node = this.node(id);
    this.#live.delete(id);
    for (const part of node.owned) await part[Symbol.asyncDispose]();
  }

  /** Kills the process of a node: nothing of it runs again. */
  crash(id: NodeId): void {
    this.#hostOf(id).crash();
    this.#live.delete(id);
  }

  pause(id: NodeId): void {
    this.#hostOf(id).pause();
  }

  resume(id: NodeId): void {
    this.#hostOf(id).resume();
  }

  /** Cuts a node off from all others, and from whatever else is in the world. */
  isolate(id: NodeId): void {
    const host = this.#hostOf(id);
    const others = this.bed.world?.hosts.filter((other) => other !== host) ?? [];
    this.bed.world?.partition(host, others);
  }

  heal(): void {
    this.bed.world?.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const { machine } of this.live) machine.host?.resume();
    await Promise.all(this.live.map(({ id }) => this.stop(id)));
  }

  #makeMembership(context: MembershipContext): Membership {
    const plugin = this.#recipe.kind === 'membership' ? this.#recipe.plugin : connectionMembership();
    return plugin.create(context);
  }

  #makePart(context: ClusterContext, membership: Membership): P {
    switch (this.#recipe.kind) {
      case 'membership':
        // The one that was just made is the part.
        return membership as P & Membership;
      case 'election':
      case 'locks':
        return this.#recipe.plugin.create(context);
      case 'replicator': {
        const { plugin, consistency } = this.#recipe;
        const { length: replicationFactor } = this.ids;
        return plugin(context.self.id).create({ ...context, election: undefined, replicationFactor, consistency });
      }
    }
  }

  #introduce(id: NodeId): void {
    const node = this.node(id);
    for (const other of this.live) {
      if (other.id === id) continue;
      contactsOf(node).addContact(other.transport.self);
      contactsOf(other).addContact(node.transport.self);
    }
  }

  #hostOf(id: NodeId): Host {
    return expectDefined(this.bed.machine(id).host, 'a simulated machine');
  }
}

/** Whom a node tells of addresses, as a cluster does. */
function contactsOf<P>({ membership, transport }: LiveNode<P>): ContactSink {
  return membership.contacts ?? transport;
}

function inMemory({ world }: TestBed): NodeParts {
  const network = memoryNetwork(world === undefined ? {} : { route: world.route });
  return { transport: () => memoryTransport({ network }), storage: () => memoryStorage({ disk: memoryDisk() }) };
}
