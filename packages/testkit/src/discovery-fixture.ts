import type { ClusterContext, DiscoveredNode, DiscoverySnapshot, IClusterDiscovery, Plugin } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';

import { expectDefined } from './expectations.ts';
import type { RefusedOptions } from './lifecycle.ts';
import { clusterContext, transportContext } from './node-context.ts';
import type { Harness } from './suite.ts';
import type { Machine, TestBed } from './test-bed.ts';

/** How to test a discovery. Of the hooks, those that are missing skip the cases that need them. */
export interface DiscoveryHarness<S = unknown> extends Harness {
  /** What `supports` of the discovery says. */
  readonly supports: IClusterDiscovery['supports'];
  /** Makes, for one case, what the adapters ask: a file, a registry, a server. It is disposed of where it can be. */
  readonly source?: (context: ClusterContext) => S | Promise<S>;
  /** The adapter. `nodes` are those to be found; where there is `publish` the source has been told of them. */
  readonly create: (nodes: readonly DiscoveredNode[], source: S) => Plugin<IClusterDiscovery, 'discovery'>;
  /** Makes the source know these nodes and no others. */
  readonly publish?: (source: S, nodes: readonly DiscoveredNode[]) => unknown;
  /** Makes the source tell things that are no nodes, among ones that are. */
  readonly publishRaw?: (source: S, entries: readonly unknown[]) => unknown;
  /** Makes the source fail whoever asks it. */
  readonly breakSource?: (source: S) => unknown;
  /**
   * Undoes `breakSource` and `stallSource`.
   * @default publishes once more
   */
  readonly repairSource?: (source: S) => unknown;
  /** Makes the source neither answer nor fail. */
  readonly stallSource?: (source: S) => unknown;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * How soon a change of the source must have reached those who watch.
   * @default 60000 in a simulated world, 5000 on a real machine
   */
  readonly noticedWithinMs?: number;
}

export const NODES: readonly DiscoveredNode[] = [
  { id: 'n1', host: '10.9.0.1', port: 7001 },
  { id: 'n2', host: '10.9.0.2', port: 7002 },
  { id: 'n3', host: '10.9.0.3', port: 7003 },
];

/** One case's source, and the discovery of node `a` that asks it. */
export class DiscoveryFixture<S> implements AsyncDisposable {
  readonly discovery: IClusterDiscovery;
  readonly machine: Machine;
  readonly noticedWithinMs: number;
  readonly #harness: DiscoveryHarness<S>;
  readonly #bed: TestBed;
  readonly #source: S;
  readonly #plugin: Plugin<IClusterDiscovery, 'discovery'>;
  readonly #owned: AsyncDisposable[] = [];

  private constructor(harness: DiscoveryHarness<S>, bed: TestBed, source: S, nodes: readonly DiscoveredNode[]) {
    this.#harness = harness;
    this.#bed = bed;
    this.#source = source;
    this.#plugin = harness.create(nodes, source);
    this.machine = bed.machine('a');
    this.discovery = this.another('a');
    this.noticedWithinMs = harness.noticedWithinMs ?? (bed.world === undefined ? 5_000 : 60_000);
  }

  static async open<S>(
    harness: DiscoveryHarness<S>,
    bed: TestBed,
    nodes: readonly DiscoveredNode[] = NODES,
  ): Promise<DiscoveryFixture<S>> {
    // A harness without a source has nothing of type S to tell apart.
    const source = (await harness.source?.(contextOf(bed.machine('a'), 'source'))) as S;
    await harness.publish?.(source, nodes);
    return new DiscoveryFixture(harness, bed, source, nodes);
  }

  /** The discovery of a node of this name, on the same machine, asking the same source. */
  another(name: string): IClusterDiscovery {
    const discovery = this.#plugin.create(contextOf(this.machine, name));
    this.#owned.push(discovery);
    return discovery;
  }

  async publish(nodes: readonly DiscoveredNode[]): Promise<void> {
    await expectDefined(this.#harness.publish, 'the hook publish')(this.#source, nodes);
  }

  async publishRaw(entries: readonly unknown[]): Promise<void> {
    await expectDefined(this.#harness.publishRaw, 'the hook publishRaw')(this.#source, entries);
  }

  async break(): Promise<void> {
    await expectDefined(this.#harness.breakSource, 'the hook breakSource')(this.#source);
  }

  async stall(): Promise<void> {
    await this.#harness.stallSource?.(this.#source);
  }

  /** @param nodes what the source knows afterwards */
  async repair(nodes: readonly DiscoveredNode[]): Promise<void> {
    await this.#harness.repairSource?.(this.#source);
    await this.publish(nodes);
  }

  /** What a watch tells, one after the other. */
  reader(discovery: IClusterDiscovery, signal?: AbortSignal): SnapshotReader {
    return new SnapshotReader(discovery.watch({ signal }), this.#bed, this.noticedWithinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#owned) await part[Symbol.asyncDispose]();
    if (isDisposable(this.#source)) await this.#source[Symbol.asyncDispose]();
  }
}

/** Reads a watch by hand, with patience. */
export class SnapshotReader {
  readonly #snapshots: AsyncIterator<DiscoverySnapshot>;
  readonly #bed: TestBed;
  readonly #withinMs: number;

  constructor(watch: AsyncIterable<DiscoverySnapshot>, bed: TestBed, withinMs: number) {
    this.#snapshots = watch[Symbol.asyncIterator]();
    this.#bed = bed;
    this.#withinMs = withinMs;
  }

  /** May be awaited later: nobody need listen until then. */
  next(): Promise<DiscoverySnapshot> {
    const snapshot = this.#read();
    snapshot.catch(() => undefined);
    return snapshot;
  }

  async #read(): Promise<DiscoverySnapshot> {
    const { value, done } = await this.#bed.soon('the next snapshot', this.#snapshots.next(), this.#withinMs);
    return expectDefined(done === true ? undefined : value, 'a snapshot from a watch that nobody ended');
  }

  async stop(): Promise<void> {
    await this.#snapshots.return?.();
  }
}

/** As `host:port` with the id where it is known, in order: sources may tell them in any. */
export function namesOf(nodes: readonly DiscoveredNode[]): readonly string[] {
  return nodes.map(({ id, host, port }) => `${id ?? '?'}@${host}:${port}`).sort();
}

/** Of a node whose other parts are there, and idle. */
function contextOf(machine: Machine, id: string): ClusterContext {
  return clusterContext(transportContext(machine, { id }), memoryTransport({ network: memoryNetwork() }));
}

function isDisposable(value: unknown): value is AsyncDisposable {
  return typeof value === 'object' && value !== null && Symbol.asyncDispose in value;
}
