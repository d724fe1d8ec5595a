// One node of the election benchmark: ID PROFILE DIRECTORY PORT…; reports over IPC.
import path from 'node:path';
import { createCluster, isClusterError } from '@quorate/core';
import { type ElectionProfile, majorityElection } from '@quorate/election-majority';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';

/** `at`: milliseconds of the machine's monotonic clock. */
export type NodeReport = { readonly id: string; readonly at: number } & (
  | { readonly type: 'ready' }
  | { readonly type: 'connected'; readonly peers: number }
  | { readonly type: 'leader'; readonly leader: { readonly nodeId: string; readonly token: number } | undefined }
  | { readonly type: 'granted'; readonly token: number }
  | { readonly type: 'handed-over'; readonly askedAt: number | undefined }
);

const [id = '', profile = '', directory = '', ...ports] = process.argv.slice(2);
const ids = ['a', 'b', 'c'];

const cluster = createCluster({
  nodeId: id,
  bind: `127.0.0.1:${ports[ids.indexOf(id)] ?? ''}`,
  seedNodes: ports.map((port) => `127.0.0.1:${port}`),
  transport: tcpTransport({ reconnect: { minMs: 50, maxMs: 1000 } }),
  storage: fileStorage({ directory: path.join(directory, id) }),
  election: majorityElection({ voters: ids, profile: profile as ElectionProfile }),
  logLevel: 'warn',
});

type Draft<R = NodeReport> = R extends NodeReport ? Omit<R, 'id' | 'at'> : never;

function report(draft: Draft): void {
  process.send?.({ ...draft, id, at: Number(process.hrtime.bigint()) / 1e6 });
}

cluster.on('leadershipAcquired', ({ leadership }) => report({ type: 'granted', token: Number(leadership.token) }));
cluster.on('leaderChanged', ({ leader }) => {
  report({ type: 'leader', leader: leader && { nodeId: leader.nodeId, token: Number(leader.token) } });
});
process.on('message', ({ to }: { readonly to: string }) => {
  void handOver(to);
});
process.on('disconnect', () => process.exit());

/** Asks until the other is known to stand; the time counts from the request that is granted. */
async function handOver(to: string): Promise<void> {
  const askedAt = Number(process.hrtime.bigint()) / 1e6;
  try {
    await cluster.election.transfer(to);
  } catch (error) {
    if (isClusterError(error, 'NOT_FOUND')) setTimeout(() => void handOver(to), 5);
    if (isClusterError(error, 'NOT_FOUND')) return;
    // Lost before it could be handed over: no sample.
    if (isClusterError(error, 'NOT_LEADER')) return report({ type: 'handed-over', askedAt: undefined });
    console.error(`the hand-over to ${to} failed: ${String(error)}`);
  }
  report({ type: 'handed-over', askedAt });
}

const countPeers = () => {
  report({ type: 'connected', peers: cluster.transport.peers.filter((peer) => peer.state === 'connected').length });
};
await cluster.start();
report({ type: 'ready' });
const events = cluster.transport.watch();
countPeers();
for await (const event of events) if ('peer' in event) countPeers();
