import {
  BaseClusterDiscovery,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type ClusterNode,
  type DiscoverySupport,
  type IClusterDiscovery,
  isClusterError,
  type LookupAnswer,
  type LookupOptions,
  type NodeId,
  type Plugin,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import { BlockingQuery, type ConsulAnswer, type ConsulClient, type ConsulQuery } from '@quorate/engine-consul';

import { checkRights } from './check-rights.ts';
import { claimKey } from './consul-claim.ts';
import { type ConsulDiscoveryOptions, type DiscoverySettings, readDiscoveryOptions } from './discovery-options.ts';
import { deregister, KeptRegistration, type RegistrationParts, untilListed } from './kept-registration.ts';
import { defineService, instanceId, readServices, type ServiceDefinition } from './service-instance.ts';

/**
 * Finds nodes as instances of a service in Consul, and registers this one.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function consulDiscovery(options: ConsulDiscoveryOptions = {}): Plugin<IClusterDiscovery, 'discovery'> {
  const settings = readDiscoveryOptions(options);
  return {
    name: 'discovery-consul',
    kind: 'discovery',
    requires: [],
    create: (context) => new ConsulDiscovery(context, settings),
  };
}

/** Of its time, what a registration leaves to the base class, whose deadline says less. */
const LISTED_SHARE = 0.8;

class ConsulDiscovery extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport;
  readonly #context: ClusterContext;
  readonly #settings: DiscoverySettings;
  readonly #client: ConsulClient;
  readonly #source: string;
  /** By node id. */
  readonly #kept = new Map<NodeId, KeptRegistration>();
  /** Registering and deregistering take turns: their requests could overtake each other. */
  #turn: Promise<void> = Promise.resolve();
  /** What the last answer was said to have of outdated instances. */
  #outdated = '';

  constructor(context: ClusterContext, settings: DiscoverySettings) {
    const source = `discovery-consul ${settings.engine.address} ${settings.service}`;
    super(context, source, settings);
    this.supports = { registration: settings.register, watch: 'push', createIfAbsent: true };
    this.#context = context;
    this.#settings = settings;
    this.#source = source;
    this.#client = settings.engine.open(context);
  }

  async claim(value: Uint8Array | undefined, { signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { keyPrefix, timeoutMs } = this.#settings;
    const key = [...keyPrefix.split('/'), this.#context.cluster.name, 'charter'];
    const what = `${this.#source}: claim`;
    const call = (inner: AbortSignal) => claimKey(this.#client, key, value, { signal: inner });
    return await withDeadline(this.#context.clock, timeoutMs, what, call, { signal });
  }

  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const { timeoutMs } = this.#settings;
    const answer = await this.#client.get(this.#path(), { query: this.#query(), timeoutMs, signal });
    return await this.#read(answer, signal);
  }

  protected override async subscribe(
    publish: (answer: LookupAnswer) => void,
    { signal }: LookupOptions,
  ): Promise<void> {
    const { waitMs, timeoutMs } = this.#settings;
    using changes = new BlockingQuery(this.#client, this.#path(), { query: this.#query(), waitMs, timeoutMs });
    while (!signal.aborted) publish(await this.#read(await changes.next({ signal }), signal));
  }

  protected override async register(node: ClusterNode, options: LookupOptions): Promise<void> {
    if (!this.supports.registration) return super.register(node, options);
    const { service, tags } = this.#settings;
    const definition = defineService(node, { service, cluster: this.#context.cluster.name, tags });
    await this.#inTurn(options.signal, async (signal) => {
      const registration = new KeptRegistration(this.#parts(), definition);
      await this.#replace(node.id, registration, signal);
      await this.#untilListed(definition.ID, definition, signal);
    });
  }

  protected override async unregister(nodeId: NodeId, options: LookupOptions): Promise<void> {
    if (!this.supports.registration) return super.unregister(nodeId, options);
    const id = instanceId(this.#settings.service, this.#context.cluster.name, nodeId);
    await this.#inTurn(options.signal, async (signal) => {
      await this.#kept.get(nodeId)?.conclude(signal);
      await deregister(this.#parts(), id, signal);
      this.#kept.delete(nodeId);
      await this.#untilListed(id, undefined, signal);
    });
  }

  protected override async release(): Promise<void> {
    await Promise.all([...this.#kept.values()].map((registration) => registration.end()));
    await this.#client[Symbol.asyncDispose]();
  }

  /** A registration that fails leaves the one before it in place. */
  async #replace(nodeId: NodeId, registration: KeptRegistration, signal: AbortSignal): Promise<void> {
    const former = this.#kept.get(nodeId);
    await former?.end();
    try {
      throwIfAborted(signal, `${this.#source}: register`);
      await registration.begin(signal);
      this.#kept.set(nodeId, registration);
    } catch (error) {
      if (!this.closed.aborted) former?.keep();
      throw error;
    }
    // What release() did not see, as it was not among those that are kept.
    if (this.closed.aborted) await registration.end();
  }

  #path(): readonly string[] {
    return ['health', 'service', this.#settings.service];
  }

  #query(): ConsulQuery {
    const { passingOnly, withTags } = this.#settings;
    return { passing: passingOnly ? true : undefined, tag: withTags };
  }

  #parts(): RegistrationParts {
    const { random, logger } = this.#context;
    return { ...this.#settings, client: this.#client, random, logger, source: this.#source };
  }

  async #read({ body, index, filtered }: ConsulAnswer, signal: AbortSignal): Promise<LookupAnswer> {
    const { nodes, outdated, instances } = readServices(body, this.#context.cluster.name);
    // To who may not see anybody, Consul says that there is nobody.
    if (instances === 0) await checkRights(this.#client, this.#settings, filtered, signal);
    this.#reportOutdated(outdated.join(', '));
    return { nodes, complete: !filtered, ...(index === undefined ? {} : { revision: String(index) }) };
  }

  #reportOutdated(outdated: string): void {
    if (outdated !== '' && outdated !== this.#outdated) {
      this.#context.logger.warn(`${this.#source}: registered anew elsewhere, and left out: ${outdated.slice(0, 500)}`);
    }
    this.#outdated = outdated;
  }

  /** @param definition undefined: until it is not there any more */
  async #untilListed(id: string, definition: ServiceDefinition | undefined, signal: AbortSignal): Promise<void> {
    const { service, timeoutMs } = this.#settings;
    const withinMs = timeoutMs * LISTED_SHARE;
    const call = (inner: AbortSignal) => untilListed(this.#parts(), { service, id, definition }, inner);
    try {
      await withDeadline(this.#context.clock, withinMs, this.#source, call, { signal });
    } catch (cause) {
      if (!isClusterError(cause, 'TIMEOUT')) throw cause;
      const state = definition === undefined ? 'still in' : 'not yet in';
      const hint = 'Has the token service:write and node:read? Is the agent of the datacenter that is read?';
      const message = `${this.#source}: the agent was told, but ${id} is ${state} the catalog after ${withinMs} ms. ${hint}`;
      throw new ClusterError('TIMEOUT', message, { cause, outcome: 'unknown' });
    }
  }

  async #inTurn(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const run = this.#turn.then(async () => {
      throwIfAborted(signal, this.#source);
      await work(signal);
    });
    this.#turn = run.catch(() => undefined);
    await run;
  }
}
