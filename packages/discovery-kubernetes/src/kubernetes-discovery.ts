import {
  Backoff,
  BaseClusterDiscovery,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type DiscoveredNode,
  type DiscoverySupport,
  formatAddress,
  type IClusterDiscovery,
  type LookupAnswer,
  type LookupOptions,
  type Plugin,
  sleep,
  type Timer,
} from '@quorate/core';
import {
  followObjects,
  type KubernetesClient,
  type KubernetesObject,
  type KubernetesResource,
  listAll,
  MAX_OBJECTS,
  type ObjectList,
  type ObjectsFollower,
  type Selection,
} from '@quorate/engine-kubernetes';

import { claimConfigMap } from './config-map-claim.ts';
import { type DiscoverySettings, type KubernetesDiscoveryOptions, readDiscoveryOptions } from './discovery-options.ts';
import { readSlice } from './endpoint-slice.ts';
import { chooseNodes, type ReadObject } from './found-endpoint.ts';
import { readPod } from './pod.ts';

const SLICES: KubernetesResource = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' };
const PODS: KubernetesResource = { version: 'v1', plural: 'pods' };

/**
 * Finds nodes as the endpoints of a service in Kubernetes, or as pods with certain labels.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function kubernetesDiscovery(options: KubernetesDiscoveryOptions): Plugin<IClusterDiscovery, 'discovery'> {
  const settings = readDiscoveryOptions(options);
  return {
    name: 'discovery-kubernetes',
    kind: 'discovery',
    requires: [],
    create: (context) => new KubernetesDiscovery(context, settings),
  };
}

class KubernetesDiscovery extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport = { registration: false, watch: 'push', createIfAbsent: true };
  readonly #context: ClusterContext;
  readonly #settings: DiscoverySettings;
  readonly #client: KubernetesClient;
  readonly #resource: KubernetesResource;
  /** Between lists that no watch followed. */
  readonly #unfollowed: Backoff;

  constructor(context: ClusterContext, settings: DiscoverySettings) {
    const { service, labelSelector, timeoutMs, backoff } = settings;
    super(context, `discovery-kubernetes ${service ?? labelSelector}`, { timeoutMs, backoff });
    this.#context = context;
    this.#settings = settings;
    this.#client = settings.engine.connect(context.clock, { timeoutMs, watchMs: settings.watchMs });
    this.#resource = service === undefined ? PODS : SLICES;
    this.#unfollowed = new Backoff(context.random, backoff);
  }

  async claim(value: Uint8Array | undefined, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { namespace } = await this.#selection();
    return claimConfigMap(this.#client, namespace, this.#settings.claimName, value, options);
  }

  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const found = this.#gathering(() => undefined);
    found.listed(await listAll(this.#client, this.#resource, await this.#selection(), { signal }));
    return found.answer;
  }

  protected override async subscribe(
    publish: (answer: LookupAnswer) => void,
    { signal }: LookupOptions,
  ): Promise<void> {
    const gathering = this.#gathering(publish);
    signal.addEventListener('abort', () => gathering.end(), { once: true });
    try {
      await followObjects(this.#client, this.#resource, await this.#selection(), gathering, { signal });
    } catch (error) {
      await this.#hesitate(gathering, signal);
      throw error;
    } finally {
      gathering.end();
    }
  }

  /**
   * The base class hesitates between answers that fail. Where lists are given and watches are not, as when the permission
   * for them is missing, each list is an answer: without this everybody would list for ever, as fast as they can.
   */
  async #hesitate({ hasListed, hasFollowed }: Gathering, signal: AbortSignal): Promise<void> {
    if (hasFollowed) this.#unfollowed.reset();
    if (hasFollowed || !hasListed) return;
    const isFirst = this.#unfollowed.attempts === 0;
    const delayMs = this.#unfollowed.next();
    if (!isFirst) await sleep(this.#context.clock, delayMs, { signal }).catch(() => undefined);
  }

  protected override release(): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  #gathering(publish: (answer: LookupAnswer) => void): Gathering {
    const settings = this.#settings;
    const read = (object: KubernetesObject) =>
      settings.service === undefined ? readPod(object, settings) : readSlice(object, settings);
    const later = (tell: () => void) => this.#context.clock.setTimer(settings.gatherMs, tell);
    // By its address too: the id is that of the pod, which may not be the node's.
    const isHere = (node: DiscoveredNode) => formatAddress(node) === formatAddress(this.#context.self);
    return new Gathering({ read, publish, later, isHere });
  }

  async #selection(): Promise<Selection> {
    const { namespace, labelSelector } = this.#settings;
    return { namespace: namespace ?? (await this.#client.namespace()), labelSelector };
  }
}

interface GatheringParts {
  readonly read: (object: KubernetesObject) => ReadObject;
  readonly publish: (answer: LookupAnswer) => void;
  readonly later: (tell: () => void) => Timer;
  /** Whether it is this node. */
  readonly isHere: (node: DiscoveredNode) => boolean;
}

/** What is known of the objects, told as one answer. */
class Gathering implements ObjectsFollower {
  readonly #parts: GatheringParts;
  readonly #known = new Map<string, ReadObject>();
  #refused: readonly string[] = [];
  /** There while changes are being gathered. */
  #timer: Timer | undefined;
  #hasListed = false;
  #hasFollowed = false;

  constructor(parts: GatheringParts) {
    this.#parts = parts;
  }

  get hasListed(): boolean {
    return this.#hasListed;
  }

  /** Whether a watch has told something, or ended as it should. */
  get hasFollowed(): boolean {
    return this.#hasFollowed;
  }

  get answer(): LookupAnswer {
    const problems = [...this.#refused, ...[...this.#known.values()].flatMap((each) => each.problems)];
    const nodes = chooseNodes(this.#known.values()).filter((node) => !this.#parts.isHere(node));
    // What was left out might be a node that is known, which must not be given up for it.
    return { nodes, problems, complete: problems.length === 0 };
  }

  listed({ items, refused }: ObjectList): void {
    this.#known.clear();
    for (const item of items) this.#known.set(item.metadata.name, this.#parts.read(item));
    this.#refused = refused;
    this.#hasListed = true;
    this.#tell();
  }

  changed(object: KubernetesObject, gone: boolean): void {
    if (gone) this.#known.delete(object.metadata.name);
    else this.#known.set(object.metadata.name, this.#parts.read(object));
    if (this.#known.size > MAX_OBJECTS)
      throw new ClusterError('OVERLOADED', `more than ${MAX_OBJECTS} objects are selected`);
    this.#hasFollowed = true;
    this.#timer ??= this.#parts.later(() => this.#tell());
  }

  /** Told again, so that what is known is as old as the last proof of it. */
  confirmed(): void {
    this.#hasFollowed = true;
    if (this.#timer === undefined) this.#tell();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tell(): void {
    this.end();
    this.#parts.publish(this.answer);
  }
}
