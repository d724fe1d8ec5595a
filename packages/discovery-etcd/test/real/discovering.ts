import {
  type Clock,
  type ClusterContext,
  type ClusterNode,
  type DiscoverySnapshot,
  formatNode,
  type IClusterDiscovery,
  type LogLevel,
  type System,
  withDeadline,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';

import { etcdDiscovery, type EtcdDiscoveryOptions } from '../../src/index.ts';

export const system: System = nodeSystem();

export interface Discovering {
  readonly discovery: IClusterDiscovery;
  /** What was logged, each as its level and text. */
  readonly lines: readonly string[];
}

/** The discovery of a node as a cluster would make it, without the rest of one. */
export function discover(self: ClusterNode, options: EtcdDiscoveryOptions, cluster = 'test'): Discovering {
  const lines: string[] = [];
  const log = (level: LogLevel) => (text: string, details?: unknown) =>
    void lines.push(`${level} ${text} ${String(details)}`);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const identity = { name: cluster, id: undefined, adopt: () => undefined };
  const context = { ...system, logger, self, cluster: identity } as unknown as ClusterContext;
  return { discovery: etcdDiscovery(options).create(context), lines };
}

export function nodeNamed(id: string, port = 7_001): ClusterNode {
  return { id, host: '127.0.0.1', port };
}

/** Reads what a discovery tells. */
export class Watcher implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #snapshots: AsyncIterator<DiscoverySnapshot>;
  #last: DiscoverySnapshot | undefined;

  constructor(discovery: IClusterDiscovery, clock: Clock = system.clock) {
    this.#clock = clock;
    this.#snapshots = discovery.watch()[Symbol.asyncIterator]();
  }

  get nodes(): string {
    return (this.#last?.nodes ?? []).map((node) => formatNode({ ...node, id: node.id ?? '?' })).join();
  }

  /** Until it tells of these nodes, in order of address. */
  async until(nodes: readonly ClusterNode[], withinMs = 10_000): Promise<void> {
    const wanted = nodes.map(formatNode).join();
    const read = async () => {
      while (this.#last === undefined || this.nodes !== wanted) {
        const { value, done } = await this.#snapshots.next();
        if (done === true) throw new Error('the watch has ended');
        this.#last = value;
      }
    };
    await withDeadline(this.#clock, withinMs, `the nodes ${wanted} (told: ${this.nodes})`, read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshots.return?.();
  }
}
