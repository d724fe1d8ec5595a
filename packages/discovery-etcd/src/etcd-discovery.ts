import {
  BaseClusterDiscovery,
  type CallOptions,
  type ClusterContext,
  type ClusterNode,
  type DiscoveredNode,
  type DiscoverySupport,
  type IClusterDiscovery,
  invalidOption,
  type LookupAnswer,
  type LookupOptions,
  type NodeId,
  type Plugin,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import type { EtcdClient, EtcdListing } from '@quorate/engine-etcd';

import { type DiscoverySettings, type EtcdDiscoveryOptions, readDiscoveryOptions } from './discovery-options.ts';
import { decodeNode } from './node-record.ts';
import { Registration } from './registration.ts';

/**
 * Finds nodes as keys below a prefix in etcd, and registers this one with a lease.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function etcdDiscovery(options: EtcdDiscoveryOptions): Plugin<IClusterDiscovery, 'discovery'> {
  const settings = readDiscoveryOptions(options);
  return {
    name: 'discovery-etcd',
    kind: 'discovery',
    requires: [],
    create: (context) => new EtcdDiscovery(context, settings),
  };
}

const MAX_CLAIM_BYTES: number = 16 * 1024;
/** How long a disposal may wait for etcd; then what is left there expires. */
const RELEASE_MS = 500;

class EtcdDiscovery extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport = { registration: true, watch: 'push', createIfAbsent: true };
  readonly #context: ClusterContext;
  readonly #settings: DiscoverySettings;
  readonly #source: string;
  readonly #client: EtcdClient;
  /** What all keys of this cluster begin with. */
  readonly #home: string;
  readonly #registrations = new Map<NodeId, Registration>();
  /** Registering and unregistering take turns: their writes could overtake each other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(context: ClusterContext, settings: DiscoverySettings) {
    const source = `discovery-etcd ${settings.engine.place}`;
    super(context, source, { timeoutMs: settings.timeoutMs, backoff: settings.backoff });
    this.#context = context;
    this.#settings = settings;
    this.#source = source;
    this.#home = `${settings.prefix}${encodeURIComponent(context.cluster.name)}/`;
    this.#client = settings.engine.open(context);
  }

  async claim(value: Uint8Array | undefined, { signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    if (value !== undefined && value.length > MAX_CLAIM_BYTES) {
      throw invalidOption('claim', 'value', `at most ${MAX_CLAIM_BYTES} bytes`, value.length);
    }
    const key = `${this.#home}charter`;
    const call = (inner: AbortSignal) =>
      value === undefined
        ? this.#client.get(key, { signal: inner })
        : this.#client.createIfAbsent(key, value, { signal: inner });
    const { timeoutMs } = this.#settings;
    const entry = await withDeadline(this.#context.clock, timeoutMs, `${this.#source}: claim`, call, { signal });
    return entry === undefined ? undefined : Uint8Array.from(entry.value);
  }

  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    return this.#read(await this.#client.list(this.#nodes, { signal }));
  }

  protected override subscribe(publish: (answer: LookupAnswer) => void, { signal }: LookupOptions): Promise<void> {
    const { resyncMs, livenessMs } = this.#settings;
    const tell = (listing: EtcdListing) => publish(this.#read(listing));
    return this.#client.follow(this.#nodes, tell, { signal, resyncMs, livenessMs });
  }

  protected override register(node: ClusterNode, { signal }: LookupOptions): Promise<void> {
    return this.#inTurn(signal, async () => {
      const known = this.#registrations.get(node.id);
      const registration = known ?? new Registration(this.#partsOf(node.id));
      try {
        await registration.tell(node, signal);
        throwIfAborted(signal, `${this.#source}: register`);
        this.#registrations.set(node.id, registration);
      } catch (error) {
        // Whether it was written nobody knows: its lease takes it away.
        if (known === undefined) void registration[Symbol.asyncDispose]().catch(() => undefined);
        throw error;
      }
    });
  }

  protected override unregister(nodeId: NodeId, { signal }: LookupOptions): Promise<void> {
    return this.#inTurn(signal, async () => {
      const registration = this.#registrations.get(nodeId);
      await registration?.[Symbol.asyncDispose]();
      if (this.#registrations.get(nodeId) === registration) this.#registrations.delete(nodeId);
    });
  }

  protected override async release(): Promise<void> {
    const { clock, logger } = this.#context;
    const all = [...this.#registrations.values()];
    const revoke = () => Promise.all(all.map((registration) => registration[Symbol.asyncDispose]()));
    try {
      if (all.length > 0) await withDeadline(clock, RELEASE_MS, `${this.#source}: unregistering`, revoke);
    } catch (error) {
      logger.info(`${this.#source}: left to expire: ${String(error)}`);
    } finally {
      this.#client[Symbol.dispose]();
    }
  }

  get #nodes(): string {
    return `${this.#home}nodes/`;
  }

  #read({ entries, complete, revision }: EtcdListing): LookupAnswer {
    // What is none goes along: the base class leaves it out and reports it, with its key.
    const nodes = entries.map((entry) => decodeNode(entry, this.#nodes)) as readonly DiscoveredNode[];
    return { nodes, complete, revision: String(revision) };
  }

  #partsOf(nodeId: NodeId) {
    const { clock, random, logger } = this.#context;
    const { leaseMs, backoff } = this.#settings;
    const key = `${this.#nodes}${nodeId}`;
    return { clock, random, logger, client: this.#client, key, leaseMs, backoff, source: this.#source };
  }

  async #inTurn(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(async () => {
      throwIfAborted(signal, this.#source);
      await work();
    });
    this.#turn = run.catch(() => undefined);
    await run;
  }
}
