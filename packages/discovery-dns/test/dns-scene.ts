import {
  type ClusterContext,
  type DiscoverySnapshot,
  type IClusterDiscovery,
  type Logger,
  silentLogger,
} from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';

import { dnsDiscovery, type DnsDiscoveryOptions } from '../src/index.ts';
import { ZoneServer } from './zone-server.ts';

const PORT = 53;

/** A node that looks for others, and servers to ask, each on a machine of its own. */
export class DnsScene {
  readonly world: World;
  readonly node: Host;
  /** What the node's log says. */
  readonly warnings: string[] = [];
  readonly #servers = new Map<ZoneServer, Host>();

  private constructor(seed: string) {
    this.world = createWorld({ seed });
    this.node = this.world.host('node');
    this.node.start(() => undefined);
  }

  static async open(
    seed: string,
    servers = 1,
  ): Promise<{ scene: DnsScene; servers: ZoneServer[]; server: ZoneServer }> {
    const scene = new DnsScene(seed);
    const opened: ZoneServer[] = [];
    for (let at = 0; at < servers; at += 1) opened.push(await scene.#serve(`dns${at}`));
    const [server] = opened;
    if (server === undefined) throw new Error('a scene has a server');
    return { scene, servers: opened, server };
  }

  async #serve(name: string): Promise<ZoneServer> {
    const host = this.world.host(name);
    host.start(() => undefined);
    const opening = ZoneServer.open(host.system.net, { host: host.address, port: PORT });
    const server = await this.world.settled(opening, 1_000);
    this.#servers.set(server, host);
    return server;
  }

  hostOf(server: ZoneServer): Host {
    const host = this.#servers.get(server);
    if (host === undefined) throw new Error('a server of another scene');
    return host;
  }

  /** `host:port` of every server. */
  get resolvers(): string[] {
    return [...this.#servers.values()].map(({ address }) => `${address}:${PORT}`);
  }

  /** Asks all servers unless told otherwise. */
  discovery(options: DnsDiscoveryOptions): IClusterDiscovery {
    const warn = (message: string) => void this.warnings.push(message);
    const logger: Logger = { ...silentLogger, warn };
    const self = { id: 'me', host: this.node.address, port: 7000 };
    const context = { ...this.node.system, logger, self } as unknown as ClusterContext;
    return dnsDiscovery({ resolvers: this.resolvers, ...options }).create(context);
  }

  /** With a resolv.conf instead. */
  async systemDiscovery(options: DnsDiscoveryOptions, settings: string): Promise<IClusterDiscovery> {
    await this.settle(this.#writeSettings(settings));
    return this.discovery({ resolvers: undefined, ...options } as DnsDiscoveryOptions);
  }

  async #writeSettings(text: string): Promise<void> {
    const { disk } = this.node.system;
    await disk.makeDirectory('/etc');
    const file = await disk.open('/etc/resolv.conf', { create: true });
    await file.truncate(0);
    await file.write([new TextEncoder().encode(text)], 0);
    await file.close();
  }

  /** What is found now, as texts. */
  async find(discovery: IClusterDiscovery): Promise<string[]> {
    const nodes = await this.settle(discovery.discoverNodes());
    return nodes.map(({ id, host, port, priority, weight }) => {
      const name = id === undefined ? '' : `${id}@`;
      const rank = [priority, weight].every((each) => each === undefined) ? '' : ` ${priority ?? 0}/${weight ?? '-'}`;
      return `${name}${host.includes(':') ? `[${host}]` : host}:${port}${rank}`;
    });
  }

  async failure(discovery: IClusterDiscovery): Promise<{ readonly code: string; readonly message: string }> {
    return await this.settle(
      discovery.discoverNodes().then(
        (nodes) => Promise.reject(new Error(`it found ${JSON.stringify(nodes)}`)),
        (error: { readonly code: string; readonly message: string }) => error,
      ),
    );
  }

  /** What a watch tells, as hosts. */
  watch(discovery: IClusterDiscovery): { readonly seen: string[][]; readonly snapshots: DiscoverySnapshot[] } {
    const told = { seen: [] as string[][], snapshots: [] as DiscoverySnapshot[] };
    void (async () => {
      for await (const snapshot of discovery.watch()) {
        told.snapshots.push(snapshot);
        told.seen.push(snapshot.nodes.map(({ host }) => host));
      }
    })();
    return told;
  }

  settle<T>(promise: PromiseLike<T>): Promise<T> {
    return this.world.settled(Promise.resolve(promise), 60_000);
  }
}
