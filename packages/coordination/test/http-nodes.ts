import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Cluster, createCluster, formatAddress } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { majorityElection } from '@quorate/election-majority';
import { memoryDisk, memoryStorage } from '@quorate/memory';
import { tcpTransport } from '@quorate/transport-tcp';
import { type ForwardTarget, waitForLeader } from '../src/index.ts';

const NAMES = ['a', 'b', 'c'];
const TIMINGS = { heartbeatMs: 100, electionMinMs: 1000, electionMaxMs: 1100 };

/**
 * Three nodes of one process, on loopback, each with an HTTP server of its own. One of them votes, so that it leads however
 * busy the machine is.
 */
export class HttpNodes implements AsyncDisposable {
  readonly clusters = new Map<string, Cluster>();
  readonly #servers = new Map<string, Server>();
  #requests = 0;

  /** @param listen what a node's server does */
  static async start(listen: (cluster: Cluster, nodes: HttpNodes) => RequestListener): Promise<HttpNodes> {
    const nodes = new HttpNodes();
    const seedNodes: string[] = [];
    for (const nodeId of NAMES) {
      const cluster = createCluster({
        nodeId,
        seedNodes,
        transport: tcpTransport(),
        storage: memoryStorage({ disk: memoryDisk() }),
        election: majorityElection({ voters: { voters: ['a'], generation: 1 }, timings: TIMINGS }),
        system: nodeSystem(),
        logLevel: 'error',
      });
      await cluster.start();
      seedNodes.push(formatAddress(cluster.self));
      nodes.clusters.set(nodeId, cluster);
    }
    await Promise.all([...nodes.clusters.values()].map((cluster) => waitForLeader(cluster, { timeoutMs: 20_000 })));
    for (const [name, cluster] of nodes.clusters) nodes.#servers.set(name, await nodes.#serve(listen(cluster, nodes)));
    return nodes;
  }

  get requests(): number {
    return this.#requests;
  }

  get leader(): Cluster {
    return [...this.clusters.values()].find(({ isLeader }) => isLeader) as Cluster;
  }

  get follower(): Cluster {
    return [...this.clusters.values()].find(({ isLeader }) => !isLeader) as Cluster;
  }

  /** Where a node serves. */
  readonly urlOf = ({ nodeId }: ForwardTarget): string | undefined => {
    const server = this.#servers.get(nodeId);
    return server === undefined ? undefined : `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  url(cluster: Cluster, path: string): string {
    return `${this.urlOf({ nodeId: cluster.self.id })}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    for (const cluster of this.clusters.values()) await cluster.stop();
  }

  async #serve(listener: RequestListener): Promise<Server> {
    const server = createServer((request, response) => {
      this.#requests += 1;
      listener(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }
}
