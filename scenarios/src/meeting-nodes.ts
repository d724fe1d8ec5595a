import { type Cluster, type ClusterOptions, createCluster, silentLogger } from '@quorate/core';
import { tcpTransport } from '@quorate/transport-tcp';

/** Nodes over TCP on loopback, each of which knows the others only from its discovery. */
export class MeetingNodes implements AsyncDisposable {
  readonly #clusters: Cluster[] = [];

  /** Makes one, which is not started yet. */
  node(
    nodeId: string,
    discovery: NonNullable<ClusterOptions['discovery']>,
    more: Partial<ClusterOptions> = {},
  ): Cluster {
    const parts = { transport: tcpTransport(), logger: silentLogger, ...more };
    const cluster = createCluster({ nodeId, bind: '127.0.0.1:0', ...parts, discovery });
    this.#clusters.push(cluster);
    return cluster;
  }

  /** Stops all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clusters.splice(0).map((cluster) => cluster.stop()));
  }
}

/** Resolves when the node is connected with these. */
export function meets(cluster: Cluster, others: readonly string[]): Promise<void> {
  const idsOf = () => cluster.nodes.map(({ node: { id } }) => id).join();
  const wanted = [...others, cluster.self.id].sort().join();
  return new Promise((resolve) => {
    const look = () => {
      if (idsOf() !== wanted) return;
      joined[Symbol.dispose]();
      resolve();
    };
    const joined = cluster.on('nodeJoined', look);
    look();
  });
}
