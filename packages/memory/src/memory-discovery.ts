import {
  Broadcast,
  type CallOptions,
  checkOptions,
  type Clock,
  ClusterError,
  type ClusterContext,
  type ClusterNode,
  type DiscoverySnapshot,
  type DiscoverySupport,
  type IClusterDiscovery,
  invalidOption,
  isClusterNode,
  type NodeId,
  type OptionRules,
  type Plugin,
  rule,
  throwIfAborted,
} from '@quorate/core';

/** Nodes that are registered: what an engine would hold for them. */
export interface MemoryRegistry {
  /** In order of id. */
  readonly nodes: readonly ClusterNode[];
  /** What their cluster was formed with, once that was claimed. */
  readonly claimed: Uint8Array | undefined;
}

/** A registry to be shared by the nodes that are to find each other. */
export function memoryRegistry(): MemoryRegistry {
  return new Registry();
}

/** What `memoryDiscovery` is told. */
export interface MemoryDiscoveryOptions {
  /**
   * Shared by the nodes that are to find each other.
   * @default one of its own, in which a node finds itself alone
   */
  readonly registry?: MemoryRegistry;
}

const rules: OptionRules<MemoryDiscoveryOptions> = {
  registry: rule.value<MemoryRegistry>('made by memoryRegistry()', (value) => value instanceof Registry),
};

/** A discovery among nodes of one program, by what they registered. */
export function memoryDiscovery(options: MemoryDiscoveryOptions = {}): Plugin<IClusterDiscovery, 'discovery'> {
  const { registry = memoryRegistry() } = checkOptions('memoryDiscovery', rules, options);
  return {
    name: 'discovery-memory',
    kind: 'discovery',
    requires: [],
    create: (context: ClusterContext) => new RegistryDiscovery(context.clock, registry as Registry),
  };
}

const SOURCE = 'discovery-memory';
/** Registered at a time. */
const MAX_NODES = 4096;
const MAX_CLAIM_BYTES: number = 16 * 1024;

class Registry implements MemoryRegistry {
  readonly #nodes = new Map<NodeId, ClusterNode>();
  readonly #watchers = new Set<() => void>();
  #revision = 0;
  #claimed: Uint8Array | undefined;

  get nodes(): readonly ClusterNode[] {
    return [...this.#nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get claimed(): Uint8Array | undefined {
    return this.#claimed?.slice();
  }

  get revision(): string {
    return String(this.#revision);
  }

  set(node: ClusterNode): void {
    const former = this.#nodes.get(node.id);
    if (former !== undefined && JSON.stringify(former) === JSON.stringify(node)) return;
    if (former === undefined && this.#nodes.size >= MAX_NODES) {
      throw new ClusterError('OVERLOADED', `${MAX_NODES} nodes are registered`);
    }
    this.#nodes.set(node.id, node);
    this.#changed();
  }

  delete(id: NodeId): void {
    if (this.#nodes.delete(id)) this.#changed();
  }

  claim(value: Uint8Array | undefined): Uint8Array | undefined {
    this.#claimed ??= value?.slice();
    return this.claimed;
  }

  onChange(watcher: () => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  #changed(): void {
    this.#revision += 1;
    for (const watcher of this.#watchers) watcher();
  }
}

class RegistryDiscovery implements IClusterDiscovery {
  readonly supports: DiscoverySupport = { registration: true, watch: 'push', createIfAbsent: true };
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #snapshots = new Broadcast<DiscoverySnapshot>(1);
  /** Registered through this instance: they go with it. */
  readonly #own = new Set<NodeId>();
  readonly #subscription: Disposable;
  #closed = false;

  constructor(clock: Clock, registry: Registry) {
    this.#clock = clock;
    this.#registry = registry;
    // In a turn of this node's own: the change was made in another's.
    this.#subscription = registry.onChange(() => clock.defer(() => this.#snapshots.publish(this.#snapshot())));
  }

  async discoverNodes(options: CallOptions = {}): Promise<readonly ClusterNode[]> {
    this.#check('discoverNodes', options);
    return this.#registry.nodes;
  }

  async registerNode(node: ClusterNode, options: CallOptions = {}): Promise<void> {
    this.#check('registerNode', options);
    if (!isClusterNode(node)) throw new ClusterError('INVALID_ADDRESS', 'what is to be registered is not a node');
    this.#registry.set(node);
    this.#own.add(node.id);
  }

  async unregisterNode(nodeId: NodeId, options: CallOptions = {}): Promise<void> {
    this.#check('unregisterNode', options);
    this.#registry.delete(nodeId);
    this.#own.delete(nodeId);
  }

  async claim(value: Uint8Array | undefined, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('claim', options);
    if (value !== undefined && value.length > MAX_CLAIM_BYTES) {
      throw invalidOption('claim', 'value', `at most ${MAX_CLAIM_BYTES} bytes`, value.length);
    }
    return this.#registry.claim(value);
  }

  watch(options: CallOptions = {}): AsyncIterable<DiscoverySnapshot> {
    return this.#snapshots.watch(options, this.#closed ? [] : [this.#snapshot()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#subscription[Symbol.dispose]();
    for (const id of this.#own) this.#registry.delete(id);
    this.#snapshots[Symbol.dispose]();
    return Promise.resolve();
  }

  #check(what: string, { signal }: CallOptions): void {
    throwIfAborted(signal, what);
    if (this.#closed) throw new ClusterError('CLOSED', `${what}: the discovery was disposed`);
  }

  #snapshot(): DiscoverySnapshot {
    const { nodes, revision } = this.#registry;
    return { nodes, complete: true, source: SOURCE, revision, observedAt: this.#clock.now() };
  }
}
