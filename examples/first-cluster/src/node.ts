import { createCluster } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';

const [nodeId = 'a', port = '7001'] = process.argv.slice(2); // b 7002 and c 7003 for the two others
const cluster = createCluster({
  nodeId,
  bind: `127.0.0.1:${port}`,
  seedNodes: ['127.0.0.1:7001', '127.0.0.1:7002', '127.0.0.1:7003'],
  transport: tcpTransport(),
  storage: fileStorage({ directory: `${process.cwd()}/data/${nodeId}` }),
  election: majorityElection({ voters: ['a', 'b', 'c'] }),
});

cluster.on('leaderChanged', ({ leader }) => console.log(`leader: ${leader?.nodeId ?? 'none'}`));
cluster.on('leadershipAcquired', ({ leadership }) => console.log(`this node leads, token ${leadership.token}`));
await cluster.start();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cluster.stop()); // hands over first
