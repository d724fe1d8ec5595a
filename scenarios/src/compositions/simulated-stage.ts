import { type Cluster, createCluster } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import type { TallyReplicator } from '../tally.ts';
import type { Place } from './place.ts';
import { type NodeOptions, nodeOf, type Stage } from './stage.ts';

const PORT = 7000;
const PATIENCE_MS = 60_000;

/** Whole nodes, on simulated streams, datagrams and disks. */
export class SimulatedStage implements Stage {
  readonly ids: readonly string[];
  readonly place: Place;
  readonly #world: World;
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #clusters = new Map<string, Cluster<TallyReplicator>>();

  constructor(name: string, ids: readonly string[]) {
    this.ids = ids;
    this.#world = createWorld({ seed: name, link: { latencyMs: 0.2, jitterMs: 0.5 } });
    this.#hosts = new Map(ids.map((id) => [id, this.#world.host(id)]));
    const nodes = [...this.#hosts].map(([id, { address }]) => ({ id, host: address, port: PORT }));
    this.place = { name, nodes, isSimulated: true, servers: {}, multicastPort: 45_981 };
  }

  get clusters(): readonly Cluster<TallyReplicator>[] {
    return [...this.#clusters.values()];
  }

  start(id: string, options: NodeOptions): void {
    const host = this.#host(id);
    host.start(async (system) => {
      const cluster = createCluster<TallyReplicator>({
        nodeId: id,
        bind: { host: host.address, port: PORT },
        insecure: true,
        transport: tcpTransport({ reconnect: { minMs: 100, maxMs: 1000 } }),
        storage: fileStorage({ directory: '/data' }),
        logLevel: 'warn',
        system,
        ...options,
      });
      this.#clusters.set(id, cluster);
      await cluster.start();
    });
  }

  async stop(id: string): Promise<void> {
    const cluster = nodeOf(this, id);
    await this.settled(cluster.stop());
    this.#clusters.delete(id);
    this.#host(id).crash();
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await this.#world.runUntil(condition, PATIENCE_MS).catch((cause: unknown) => {
      throw new Error(`${this.place.name}: waited in vain for ${what}`, { cause });
    });
  }

  settled<T>(promise: Promise<T>): Promise<T> {
    return this.#world.settled(promise, PATIENCE_MS);
  }

  #host(id: string): Host {
    const host = this.#hosts.get(id);
    if (host === undefined) throw new Error(`there is no machine ${id}`);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { self } of this.clusters) await this.stop(self.id);
  }
}
