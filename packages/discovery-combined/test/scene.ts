import {
  type ClusterContext,
  type DiscoverySnapshot,
  formatNode,
  type IClusterDiscovery,
  type Logger,
  silentLogger,
} from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';

import type { DiscoveryPlugin } from '../src/index.ts';

/** A combination at work on a machine of its own, and what it logged and told. */
export class Scene {
  readonly world: World;
  readonly discovery: IClusterDiscovery;
  readonly warnings: string[] = [];
  readonly snapshots: DiscoverySnapshot[] = [];

  constructor(plugin: DiscoveryPlugin) {
    this.world = createWorld({ seed: 'combined' });
    const host = this.world.host('me');
    host.start(() => undefined);
    const logger: Logger = { ...silentLogger, warn: (message) => void this.warnings.push(message) };
    const self = { id: 'me', host: '10.0.0.1', port: 7000 };
    this.discovery = plugin.create({ ...host.system, logger, self } as unknown as ClusterContext);
  }

  ask(signal?: AbortSignal): Promise<string> {
    return this.world.settled(
      this.discovery.discoverNodes({ signal }).then((nodes) => names({ nodes })),
      120_000,
    );
  }

  /** Gathers what a watch tells from now on. */
  watch(): void {
    const read = async () => {
      for await (const snapshot of this.discovery.watch()) this.snapshots.push(snapshot);
    };
    void read();
  }

  /** What was told last, with `…` where it may not be all. */
  get told(): string | undefined {
    const last = this.snapshots.at(-1);
    return last && names(last) + (last.complete ? '' : ' …');
  }
}

function names({ nodes }: Pick<DiscoverySnapshot, 'nodes'>): string {
  return nodes
    .map(({ id = '?', host, port }) => formatNode({ id, host, port }).replace(/10\.0\.0\.|:7000/gu, ''))
    .join(' ');
}

/** `node('a', 2)` is a at 10.0.0.2:7000; without an id nobody knows whose address that is. */
export function node(id: string | undefined, at: number): object {
  return { ...(id !== undefined && { id }), host: `10.0.0.${at}`, port: 7000 };
}
