import { Broadcast } from './broadcast.ts';
import type { CallOptions } from './call-options.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterNode, NodeId } from './cluster-node.ts';
import type { ClusterContext, TransportContext } from './context.ts';
import { throwIfAborted } from './deadline.ts';
import type { DiscoveredNode, DiscoverySnapshot, DiscoverySupport, IClusterDiscovery } from './discovery.ts';
import type { ElectionSupport, LeaderElection, LeaderInfo, Leadership } from './election.ts';
import { describedNode, type NodeDescription } from './node-description.ts';
import type { Plugin } from './plugin.ts';
import type { MessageKind, OutgoingStream, Peer, Transport, TransportEvent } from './transport.ts';

/** The parts of a cluster of one: the contracts, kept without a network. */

export const soloTransport: Plugin<Transport, 'transport'> = {
  name: 'solo-transport',
  kind: 'transport',
  requires: [],
  create: (context) => new SoloTransport(context),
};

export const soloDiscovery: Plugin<IClusterDiscovery, 'discovery'> = {
  name: 'solo-discovery',
  kind: 'discovery',
  requires: [],
  create: () => new SoloDiscovery(),
};

export const soloElection: Plugin<LeaderElection, 'election'> = {
  name: 'solo-election',
  kind: 'election',
  requires: [],
  create: (context) => new SoloElection(context),
};

/** What every part owes its callers: `CLOSED` after disposal, `ABORTED` by the signal. */
class Gate {
  readonly #name: string;
  closed = false;

  constructor(name: string) {
    this.#name = name;
  }

  check(options: CallOptions = {}): void {
    if (this.closed) throw new ClusterError('CLOSED', `${this.#name}: disposed`);
    throwIfAborted(options.signal, this.#name);
  }
}

/** Nobody else is there. */
class SoloTransport implements Transport {
  #self: ClusterNode;
  readonly peers: readonly Peer[] = [];
  readonly #gate = new Gate('solo-transport');
  readonly #events = new Broadcast<TransportEvent>(1);
  readonly #handled = new Set<string>();

  constructor({ self }: TransportContext) {
    this.#self = self;
  }

  get self(): ClusterNode {
    return this.#self;
  }

  async start(options?: CallOptions): Promise<void> {
    this.#gate.check(options);
  }

  describe(description: NodeDescription): void {
    this.#gate.check();
    this.#self = describedNode(this.#self, description);
  }

  addContact(): void {}

  removeContact(): void {}

  release(): void {}

  peer(): Peer | undefined {
    return undefined;
  }

  send(): boolean {
    return false;
  }

  sendNow(): boolean {
    return false;
  }

  async request(to: NodeId, _kind: MessageKind, _payload: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    this.#gate.check(options);
    throw disconnected(to);
  }

  async openStream(to: NodeId, _kind: MessageKind, options?: CallOptions): Promise<OutgoingStream> {
    this.#gate.check(options);
    throw disconnected(to);
  }

  onMessage(kind: MessageKind): Disposable {
    return this.#handle(`messages of kind ${kind}`);
  }

  onRequest(kind: MessageKind): Disposable {
    return this.#handle(`requests of kind ${kind}`);
  }

  onStream(kind: MessageKind): Disposable {
    return this.#handle(`streams of kind ${kind}`);
  }

  watch(options?: CallOptions): AsyncIterable<TransportEvent> {
    return this.#events.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.closed = true;
    this.#events[Symbol.dispose]();
  }

  /** Nothing is ever handled, but a program that is wrong with others is wrong alone. */
  #handle(what: string): Disposable {
    if (this.#handled.has(what)) throw new ClusterError('INVALID_OPTIONS', `${what} have a handler already`);
    this.#handled.add(what);
    return { [Symbol.dispose]: () => void this.#handled.delete(what) };
  }
}

function disconnected(to: NodeId): ClusterError {
  return new ClusterError('DISCONNECTED', `${to} is not connected: this is a cluster of one`, {
    outcome: 'not-applied',
  });
}

/** Nobody is ever found. */
class SoloDiscovery implements IClusterDiscovery {
  readonly supports: DiscoverySupport = { registration: true, watch: 'push', createIfAbsent: false };
  readonly #gate = new Gate('solo-discovery');
  readonly #snapshots = new Broadcast<DiscoverySnapshot>(1);

  async discoverNodes(options?: CallOptions): Promise<readonly DiscoveredNode[]> {
    this.#gate.check(options);
    return [];
  }

  async registerNode(_node: ClusterNode, options?: CallOptions): Promise<void> {
    this.#gate.check(options);
  }

  async unregisterNode(_nodeId: NodeId, options?: CallOptions): Promise<void> {
    this.#gate.check(options);
  }

  watch(options?: CallOptions): AsyncIterable<DiscoverySnapshot> {
    return this.#snapshots.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.closed = true;
    this.#snapshots[Symbol.dispose]();
  }
}

/** This node leads from the start, with token 1, until it resigns or stops. */
class SoloElection implements LeaderElection {
  readonly supports: ElectionSupport = { transfer: false };
  readonly #gate = new Gate('solo-election');
  readonly #nodeId: NodeId;
  readonly #leaders = new Broadcast<LeaderInfo | undefined>(1);
  #grant: SoloGrant | undefined;
  #token = 0n;

  constructor({ self }: ClusterContext) {
    this.#nodeId = self.id;
  }

  get leader(): LeaderInfo | undefined {
    return this.#grant === undefined ? undefined : { nodeId: this.#nodeId, token: this.#grant.token };
  }

  get leadership(): Leadership | undefined {
    return this.#grant;
  }

  async start(options?: CallOptions): Promise<void> {
    this.#gate.check(options);
    this.#lead();
  }

  async campaign(options?: CallOptions): Promise<Leadership> {
    this.#gate.check(options);
    return this.#grant ?? this.#lead();
  }

  async resign(options?: CallOptions): Promise<void> {
    this.#gate.check(options);
    this.#end(new ClusterError('CLOSED', 'the leader resigned'));
  }

  async transfer(to: NodeId, options?: CallOptions): Promise<void> {
    this.#gate.check(options);
    throw new ClusterError('UNSUPPORTED', `leadership cannot be handed to ${to}: this is a cluster of one`);
  }

  watch(options?: CallOptions): AsyncIterable<LeaderInfo | undefined> {
    return this.#leaders.watch(options, [this.leader]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.closed = true;
    this.#end(new ClusterError('CLOSED', 'solo-election: disposed'));
    this.#leaders[Symbol.dispose]();
  }

  #lead(): Leadership {
    this.#token += 1n;
    this.#grant = new SoloGrant(this.#nodeId, this.#token);
    this.#leaders.publish(this.leader);
    return this.#grant;
  }

  #end(reason: ClusterError): void {
    const grant = this.#grant;
    this.#grant = undefined;
    if (grant === undefined) return;
    this.#leaders.publish(undefined);
    grant.end(reason);
  }
}

/** Not leased from anybody, so it has no deadline. */
class SoloGrant implements Leadership {
  readonly nodeId: NodeId;
  readonly token: bigint;
  readonly #controller = new AbortController();

  constructor(nodeId: NodeId, token: bigint) {
    this.nodeId = nodeId;
    this.token = token;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get deadline(): number {
    return this.signal.aborted ? -Infinity : Infinity;
  }

  isValid(): boolean {
    return !this.signal.aborted;
  }

  end(reason: ClusterError): void {
    this.#controller.abort(reason);
  }
}
