import {
  type Address,
  Broadcast,
  ClusterError,
  type ClusterNode,
  describedNode,
  type DiscoveredNode,
  type DiscoverySnapshot,
  type IClusterDiscovery,
  type LeaderElection,
  type LeaderInfo,
  type Leadership,
  type Locks,
  type MembershipContext,
  type NodeDescription,
  type Peer,
  type Plugin,
  type RequestHandler,
  type Storage,
  type Transport,
  type TransportContext,
  type TransportEvent,
  formatAddress,
  Grant,
} from '../src/index.ts';
import { type ManualClock, manualSystem, turn } from './manual-clock.ts';

/** What the parts of one test did, in order. */
export type Journal = string[];

/** A transport whose peers are whatever the test says. */
export class FakeTransport implements Transport {
  self: ClusterNode;
  context: TransportContext | undefined;
  readonly #peers = new Map<string, Peer>();
  readonly #events = new Broadcast<TransportEvent>(1_024);
  readonly journal: Journal;
  readonly contacts = new Set<string>();
  onStart: (signal?: AbortSignal) => Promise<void> = async () => undefined;
  onClose: () => Promise<void> = async () => undefined;
  /** What a peer answers; by itself it knows no requests. */
  onOutgoing: (to: string, kind: number, payload: Uint8Array) => Promise<Uint8Array> = () =>
    Promise.reject(new ClusterError('UNSUPPORTED', 'fake'));
  readonly #handlers = new Map<number, RequestHandler>();

  constructor(self: ClusterNode = { id: 'self', host: '127.0.0.1', port: 1 }, journal: Journal = []) {
    this.self = self;
    this.journal = journal;
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  async start(options?: { signal?: AbortSignal | undefined }): Promise<void> {
    this.journal.push('start transport');
    if (this.self.port === 0) this.self = { ...this.self, port: 4_242 };
    await this.onStart(options?.signal);
  }

  describe(description: NodeDescription): void {
    this.self = describedNode(this.self, description);
  }

  peer(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  /** A peer that is connected describes itself anew. */
  described(node: ClusterNode): void {
    const peer: Peer = { ...this.#peers.get(node.id)!, node };
    this.#peers.set(node.id, peer);
    this.#events.publish({ type: 'described', peer });
  }

  addContact(address: Address): void {
    this.contacts.add(formatAddress(address));
  }

  removeContact(address: Address): void {
    this.contacts.delete(formatAddress(address));
  }

  release(id: string): void {
    if (this.#peers.get(id)?.state === 'connected') this.disconnect(id, 'released');
  }

  connect(node: ClusterNode, incarnation = 1): void {
    const peer: Peer = { node, incarnation, state: 'connected' };
    this.#peers.set(node.id, peer);
    this.#events.publish({ type: 'connected', peer });
  }

  disconnect(id: string, reason: 'goodbye' | 'closed' | 'timeout' | 'released' = 'closed'): void {
    const peer: Peer = { ...this.#peers.get(id)!, state: 'disconnected' };
    this.#peers.set(id, peer);
    this.#events.publish({ type: 'disconnected', peer, reason });
  }

  /** A change that no event tells of, as when the queue of events was full. */
  silently(node: ClusterNode, state: 'connected' | 'disconnected', incarnation = 1): void {
    this.#peers.set(node.id, { node, incarnation, state });
  }

  tell(event: TransportEvent): void {
    this.#events.publish(event);
  }

  send(): boolean {
    return false;
  }

  sendNow(): boolean {
    return false;
  }

  async request(to: string, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    return await this.onOutgoing(to, kind, payload);
  }

  async openStream(): Promise<never> {
    throw new ClusterError('DISCONNECTED', 'fake');
  }

  onMessage(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  onRequest(kind: number, handler: RequestHandler): Disposable {
    this.#handlers.set(kind, handler);
    return { [Symbol.dispose]: () => void this.#handlers.delete(kind) };
  }

  /** What the part that handles this kind answers to a peer. */
  async asked(from: string, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const handler = this.#handlers.get(kind);
    if (handler === undefined) throw new ClusterError('UNSUPPORTED', 'fake');
    return await handler(from, payload, { signal: new AbortController().signal });
  }

  onStream(): Disposable {
    return this.onMessage();
  }

  watch(options?: { signal?: AbortSignal | undefined }): AsyncIterable<TransportEvent> {
    return this.#events.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.journal.push('close transport');
    await this.onClose();
    this.#events[Symbol.dispose]();
  }
}

/** What a membership is made from, over this transport. */
export function fakeContext(clock: ManualClock, transport: FakeTransport): MembershipContext {
  return {
    ...manualSystem(clock),
    self: transport.self,
    incarnation: 3,
    cluster: { name: 'test', id: undefined, adopt: () => undefined },
    bind: transport.self,
    security: { keyring: undefined, insecure: true },
    debug: new Set<string>(),
    transport,
    storage: undefined,
  };
}

export function fakeTransport(transport: FakeTransport): Plugin<Transport, 'transport'> {
  const create = (context: TransportContext) => {
    transport.self = context.self;
    transport.context = context;
    transport.journal.push('make transport');
    return transport;
  };
  return { name: 'fake-transport', kind: 'transport', requires: [], create };
}

/** Elects whoever campaigns, when the test says so. */
export class FakeElection implements LeaderElection {
  readonly supports = { transfer: false };
  readonly #leaders = new Broadcast<LeaderInfo | undefined>(1);
  readonly journal: Journal;
  #waiting: ((grant: Leadership) => void)[] = [];
  grant: Grant | undefined;
  campaigns = 0;
  failure: ClusterError | undefined;
  leader: LeaderInfo | undefined;
  onResign: () => Promise<void> = async () => undefined;

  constructor(journal: Journal = []) {
    this.journal = journal;
  }

  get leadership(): Leadership | undefined {
    return this.grant;
  }

  async start(): Promise<void> {
    this.journal.push('start election');
  }

  async campaign(): Promise<Leadership> {
    this.campaigns += 1;
    if (this.failure !== undefined) throw this.failure;
    return await new Promise<Leadership>((resolve) => void this.#waiting.push(resolve));
  }

  elect(clock: ConstructorParameters<typeof Grant>[0], nodeId: string, token: bigint, forMs: number): Grant {
    const grant = new Grant(clock, { nodeId, token, deadline: clock.now() + forMs }, () => {
      this.grant = undefined;
      this.observe(undefined);
    });
    this.grant = grant;
    this.observe({ nodeId, token });
    for (const resolve of this.#waiting.splice(0)) resolve(grant);
    return grant;
  }

  observe(leader: LeaderInfo | undefined): void {
    this.leader = leader;
    this.#leaders.publish(leader);
  }

  async resign(): Promise<void> {
    this.journal.push('resign');
    await this.onResign();
    this.grant?.end(new ClusterError('CLOSED', 'resigned'));
  }

  async transfer(): Promise<void> {
    throw new ClusterError('UNSUPPORTED', 'fake');
  }

  watch(options?: { signal?: AbortSignal | undefined }): AsyncIterable<LeaderInfo | undefined> {
    return this.#leaders.watch(options, [this.leader]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.journal.push('close election');
    this.#leaders[Symbol.dispose]();
  }
}

export function fakeElection(
  election: FakeElection,
  requires: Plugin<LeaderElection, 'election'>['requires'] = ['transport'],
): Plugin<LeaderElection, 'election'> {
  const create = () => {
    election.journal.push('make election');
    return election;
  };
  return { name: 'fake-election', kind: 'election', requires, create };
}

/** Says what the test says. */
export class FakeDiscovery implements IClusterDiscovery {
  readonly supports = { registration: true, watch: 'push', createIfAbsent: false } as const;
  readonly #snapshots = new Broadcast<DiscoverySnapshot>(1);
  readonly journal: Journal;
  readonly registered: ClusterNode[] = [];
  failures = 0;

  constructor(journal: Journal = []) {
    this.journal = journal;
  }

  say(nodes: readonly DiscoveredNode[], complete = true, source = 'fake'): void {
    this.#snapshots.publish({ nodes, complete, source, observedAt: 0 });
  }

  async discoverNodes(): Promise<readonly DiscoveredNode[]> {
    return [];
  }

  async registerNode(node: ClusterNode): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('registry is down');
    }
    this.registered.push(node);
  }

  async unregisterNode(): Promise<void> {
    this.journal.push('unregister');
  }

  watch(options?: { signal?: AbortSignal | undefined }): AsyncIterable<DiscoverySnapshot> {
    return this.#snapshots.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.journal.push('close discovery');
    this.#snapshots[Symbol.dispose]();
  }
}

export function fakeDiscovery(discovery: FakeDiscovery): Plugin<IClusterDiscovery, 'discovery'> {
  return { name: 'fake-discovery', kind: 'discovery', requires: ['transport'], create: () => discovery };
}

/** Records in a map that outlives the storage, as a disk does. */
export function fakeStorage(
  records: Map<string, Uint8Array>,
  { durable = true, journal = [] as Journal } = {},
): Plugin<Storage, 'storage'> {
  const create = (): Storage => ({
    supports: { durable },
    records: {
      read: async (name) => records.get(name),
      write: async (name, bytes) => {
        // As on a disk, later.
        await turn();
        journal.push(`write ${name}`);
        records.set(name, bytes);
      },
      remove: async (name) => void records.delete(name),
      names: async () => [...records.keys()].sort(),
    },
    open: async () => void journal.push('open storage'),
    [Symbol.asyncDispose]: async () => void journal.push('close storage'),
  });
  const provides = durable ? (['durable-storage'] as const) : [];
  return { name: 'fake-storage', kind: 'storage', requires: [], provides, create };
}

/** Locks that nobody gets. */
export class FakeLocks implements Locks {
  readonly supports = { fair: false, shared: false, semaphore: false };
  readonly journal: Journal;

  constructor(journal: Journal = []) {
    this.journal = journal;
  }

  async start(): Promise<void> {
    this.journal.push('start locks');
  }

  async lock(): Promise<never> {
    throw new ClusterError('TIMEOUT', 'fake');
  }

  async tryLock(): Promise<undefined> {
    return undefined;
  }

  async readLock(): Promise<never> {
    throw new ClusterError('UNSUPPORTED', 'fake');
  }

  writeLock(): Promise<never> {
    return this.readLock();
  }

  semaphore(): Promise<never> {
    return this.readLock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.journal.push('close locks');
  }
}

export function fakeLocks(locks: FakeLocks, requires: Plugin<Locks, 'locks'>['requires'] = []): Plugin<Locks, 'locks'> {
  const create = () => {
    locks.journal.push('make locks');
    return locks;
  };
  return { name: 'fake-locks', kind: 'locks', requires, create };
}
