import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardToLeader, type LeaderFunction, singletonTask, type SingletonTask } from '@quorate/coordination';
import { type Cluster, createCluster, type Replicator, type Telemetry } from '@quorate/core';
import { raftElection } from '@quorate/election-raft';
import { createGossip, type Gossip } from '@quorate/gossip';
import { raftLocks } from '@quorate/lock-raft';
import { swimMembership } from '@quorate/membership-swim';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { CountingMachine } from '../../operations/test/counting-machine.ts';

type Adding = Replicator<number, number, number, number>;

/** A node with all that measures something. */
export interface MeasuredNode {
  readonly cluster: Cluster<Adding>;
  readonly gossip: Gossip;
  /** Says who does it. */
  readonly ask: LeaderFunction<string, string>;
  readonly task: SingletonTask;
}

export interface MeasuredCluster extends AsyncDisposable {
  readonly nodes: readonly MeasuredNode[];
  leader(): Promise<MeasuredNode>;
  follower(): Promise<MeasuredNode>;
}

const IDS = ['a', 'b', 'c'];
/** Of nodes that share a machine with other tests: the leader is to stay the same. */
const GROUP = { voters: IDS, timings: { tickMs: 20, heartbeatMs: 200, electionMs: 1000 } };
export const SECRET = 'a secret of these tests';

/** Nodes `a`, `b` and `c` over TCP and UDP, on real disks. */
export async function threeNodes(telemetryOf: (id: string) => Telemetry): Promise<MeasuredCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'quorate-telemetry-'));
  const nodes: MeasuredNode[] = [];
  for (const id of IDS) {
    const seeds = nodes.map(({ cluster: { self } }) => `${self.host}:${self.port}`);
    nodes.push(await startNode(id, `${directory}/${id}`, seeds, telemetryOf(id)));
  }
  const leader = async (): Promise<MeasuredNode> => {
    for (;;) {
      const leading = nodes.find(({ cluster }) => cluster.isLeader);
      if (leading !== undefined) return leading;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    nodes,
    leader,
    follower: async () => {
      const leading = await leader();
      return nodes.find((node) => node !== leading) as MeasuredNode;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { ask, task, cluster } of nodes) {
        await task[Symbol.asyncDispose]();
        await ask[Symbol.asyncDispose]();
        await cluster.stop();
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startNode(
  nodeId: string,
  directory: string,
  seedNodes: readonly string[],
  telemetry: Telemetry,
): Promise<MeasuredNode> {
  const cluster = createCluster<Adding>({
    name: 'measured',
    nodeId,
    bind: '127.0.0.1:0',
    secret: SECRET,
    seedNodes,
    telemetry,
    logLevel: 'silent',
    transport: tcpTransport(),
    storage: fileStorage({ directory }),
    membership: swimMembership(),
    election: raftElection(GROUP),
    replicator: raftReplicator({ ...GROUP, machine: () => new CountingMachine() }),
    locks: raftLocks(GROUP),
  });
  await cluster.start();
  const ask = forwardToLeader(cluster, (_input: string, _request) => nodeId);
  const task = singletonTask(cluster, 'sweep', () => undefined, { startAfterMs: 50, stopWithinMs: 50 });
  return { cluster, gossip: createGossip(cluster), ask, task };
}
