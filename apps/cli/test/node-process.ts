// One node of the clusters that these tests operate: its parent says with what, and stops it.
import { type Cluster, createCluster, type Replicator, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { raftElection } from '@quorate/election-raft';
import { operations, type OperationsOptions } from '@quorate/operations';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { CountingMachine } from '../../../packages/operations/test/counting-machine.ts';

export interface NodeChoice {
  readonly nodeId: string;
  readonly directory: string;
  readonly port: number;
  readonly seedNodes: readonly string[];
  readonly voters: readonly string[];
  readonly allow: OperationsOptions['allow'];
  readonly secret?: string;
  readonly certificates?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Of the state machine's snapshots. */
  readonly ballastBytes: number;
}

/** A leader is to stay one though the machine is busy with others. */
const TIMINGS = { tickMs: 50, heartbeatMs: 250, electionMs: 1500 };

let cluster: Cluster<Replicator<number, number, number, number>> | undefined;

async function start(choice: NodeChoice): Promise<void> {
  const { nodeId, directory, port, seedNodes, voters, allow = 'all', secret, certificates, ballastBytes } = choice;
  cluster = createCluster({
    name: 'orders',
    nodeId,
    bind: `127.0.0.1:${port}`,
    ...(secret === undefined ? {} : { secret }),
    ...(certificates === undefined ? {} : { certificates }),
    seedNodes: [...seedNodes],
    metadata: { shard: nodeId.toUpperCase() },
    system: nodeSystem({ logger: silentLogger }),
    transport: tcpTransport(),
    storage: fileStorage({ directory }),
    election: raftElection({ voters: [...voters], timings: TIMINGS }),
    replicator: raftReplicator({
      voters: [...voters],
      timings: TIMINGS,
      machine: () => new CountingMachine(ballastBytes),
    }),
    campaign: true,
  });
  await cluster.start();
  operations(cluster, { allow, stop });
  process.send?.({ type: 'started' });
}

async function stop(): Promise<void> {
  await cluster?.stop();
  process.exit();
}

/** Adds ones, one after the other, for as long as this node is told to. */
let loading: AbortController | undefined;
async function load(): Promise<void> {
  const { signal } = (loading = new AbortController());
  let acknowledged = 0;
  while (!signal.aborted) {
    await cluster?.replicator.replicate(1).then(
      () => (acknowledged += 1),
      () => undefined,
    );
    process.send?.({ type: 'acknowledged', acknowledged });
  }
}

process.on('message', (message: { type: 'start'; choice: NodeChoice } | { type: 'load' | 'rest' | 'stop' | 'sum' }) => {
  if (message.type === 'start') void start(message.choice);
  else if (message.type === 'load') void load();
  else if (message.type === 'rest') loading?.abort();
  else if (message.type === 'stop') void stop();
  else void cluster?.replicator.read(0).then((sum) => process.send?.({ type: 'sum', sum }));
});
process.on('disconnect', () => process.exit());
