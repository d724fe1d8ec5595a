import {
  type Cluster,
  createCluster,
  type LeaderElection,
  type Plugin,
  type Replicator,
  silentLogger,
  type System,
  type TransportClient,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { raftElection } from '@quorate/election-raft';
import { memoryStorage } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { connectTcpClient, tcpTransport } from '@quorate/transport-tcp';
import { operations, OperationsClient, type OperationsOptions } from '../src/index.ts';
import { CountingMachine } from './counting-machine.ts';

export type Counting = Replicator<number, number, number, number>;
export const SECRET = 'a secret of these tests';
export const system: System = nodeSystem({ logger: silentLogger });

export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly Cluster<Counting>[];
  node(id: string): Cluster<Counting>;
  /** Once it stands and a majority of the others knows it. */
  leader(): Promise<Cluster<Counting>>;
  /** Asks a node as a client. */
  connect(id: string): Promise<OperationsClient>;
}

/** Nodes `a`, `b` and `c` over TCP, on one Raft group. */
export async function threeNodes(
  options: OperationsOptions | ((id: string) => OperationsOptions) = {},
  ballastBytes = 0,
  started: readonly string[] = ['a', 'b', 'c'],
  election: (voters: readonly string[]) => Plugin<LeaderElection, 'election'> = (voters) => raftElection({ voters }),
): Promise<TestCluster> {
  const ids = ['a', 'b', 'c'];
  const nodes: Cluster<Counting>[] = [];
  const clients: TransportClient[] = [];
  for (const nodeId of started) {
    const seedNodes = nodes.map(({ self }) => `${self.host}:${self.port}`);
    const cluster = createCluster<Counting>({
      name: 'orders',
      nodeId,
      bind: '127.0.0.1:0',
      secret: SECRET,
      seedNodes,
      system,
      transport: tcpTransport(),
      storage: memoryStorage(),
      election: election(ids),
      replicator: raftReplicator({ voters: ids, machine: () => new CountingMachine(ballastBytes) }),
      campaign: true,
    });
    await cluster.start();
    operations(cluster, typeof options === 'function' ? options(nodeId) : options);
    nodes.push(cluster);
  }
  const node = (id: string): Cluster<Counting> => {
    const found = nodes.find(({ self }) => self.id === id);
    if (found === undefined) throw new Error(`there is no node ${id}`);
    return found;
  };
  return {
    nodes,
    node,
    leader: async () => {
      const found = () => nodes.find(({ isLeader }) => isLeader);
      await until(() => found() !== undefined && nodes.every(({ leader }) => leader?.nodeId === found()?.self.id));
      return found() ?? node('a');
    },
    connect: async (id) => {
      const client = await connectTcpClient(node(id).self, { system, cluster: 'orders', id: 'tests', secret: SECRET });
      clients.push(client);
      return new OperationsClient(client);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      await Promise.all(nodes.map((each) => each.stop()));
    },
  };
}

/** Looks at each turn of the event loop. The test's own timeout is the deadline. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => void setImmediate(resolve));
}
