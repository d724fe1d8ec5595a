import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type Cluster, createCluster } from '@quorate/core';
import { fileStorage } from '@quorate/storage-file';
import { freePorts } from '@quorate/test-servers';
import { tcpTransport } from '@quorate/transport-tcp';
import type { TallyReplicator } from '../tally.ts';
import type { Place, Servers } from './place.ts';
import { type NodeOptions, nodeOf, type Stage } from './stage.ts';

const PATIENCE_MS = 30_000;
const LOOK_MS = 10;

/** Whole nodes within this process, over loopback, on real disks and beside real servers. */
export class RealStage implements Stage {
  readonly ids: readonly string[];
  readonly place: Place;
  readonly #folder: string;
  readonly #clusters = new Map<string, Cluster<TallyReplicator>>();
  /** Of a node that could not start. */
  #failure: unknown;

  private constructor(place: Place, folder: string) {
    this.ids = place.nodes.map(({ id }) => id);
    this.place = place;
    this.#folder = folder;
  }

  static async open(name: string, ids: readonly string[], servers: Partial<Servers>): Promise<RealStage> {
    const [multicastPort = 0, ...ports] = await freePorts(1 + ids.length);
    const nodes = ids.map((id, at) => ({ id, host: '127.0.0.1', port: ports[at] ?? 0 }));
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-composition-'));
    return new RealStage({ name, nodes, isSimulated: false, servers, multicastPort }, folder);
  }

  get clusters(): readonly Cluster<TallyReplicator>[] {
    return [...this.#clusters.values()];
  }

  start(id: string, options: NodeOptions): void {
    const node = this.place.nodes.find((each) => each.id === id);
    const cluster = createCluster<TallyReplicator>({
      nodeId: id,
      bind: `127.0.0.1:${node?.port ?? 0}`,
      transport: tcpTransport({ reconnect: { minMs: 50, maxMs: 500 } }),
      storage: fileStorage({ directory: path.join(this.#folder, id) }),
      logLevel: 'error',
      ...options,
    });
    this.#clusters.set(id, cluster);
    cluster.start().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async stop(id: string): Promise<void> {
    const cluster = nodeOf(this, id);
    await cluster.stop();
    this.#clusters.delete(id);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      if (performance.now() > end) throw new Error(`${this.place.name}: waited in vain for ${what}`);
      await pause(LOOK_MS);
    }
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    const given = new AbortController();
    const late = pause(PATIENCE_MS, undefined, { signal: given.signal }).then(() => {
      throw new Error(`${this.place.name}: nothing came of a call`);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      given.abort();
      late.catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clusters.map(({ self }) => this.stop(self.id)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
